//! The things an account owns: instances, buckets, roles, queues ... by name, drawn with a skew to the first ones.

use crate::generate::{
    random::{Random, mix, skewed},
    template::{Scene, Template},
};

/// Name of the pool, how many things it holds, and how each is named.
const POOLS: &[(&str, usize, &str)] = &[
    ("i", 80, "i-0<hex:16>"),
    ("vpc", 6, "vpc-0<hex:16>"),
    ("subnet", 24, "subnet-0<hex:16>"),
    ("sg", 40, "sg-0<hex:16>"),
    ("eni", 120, "eni-0<hex:16>"),
    ("vol", 120, "vol-0<hex:16>"),
    ("snap", 90, "snap-0<hex:16>"),
    ("ami", 20, "ami-0<hex:16>"),
    ("rtb", 16, "rtb-0<hex:16>"),
    ("nat", 6, "nat-0<hex:16>"),
    ("lt", 12, "lt-0<hex:16>"),
    ("vpce", 8, "vpce-0<hex:16>"),
    ("ip", 160, "10.<number:64>.<number:255>.<number:255>"),
    (
        "system",
        14,
        "<pick:newsroom|live-origin|encoder|cms|playout|subtitle|archive|paywall|recommend|epg|ingest|ad-insert|clip-maker|thumbnail|transcode|search|comments|weather>",
    ),
    ("stage", 4, "<pick:prod|prod|prod|stg|dev|qa>"),
    (
        "bucket",
        30,
        "<pick:media|news|live|archive|cms|vod|ads|logs>-<pick:masters|proxies|segments|thumbs|uploads|exports|backups|assets>-<pick:prod|prod|stg|dev>-<hex:6>",
    ),
    (
        "key",
        400,
        "<pick:2026/03/02|2026/03/03|2026/02/28|vod|live|raw|incoming>/<pick:news-at-nine|morning-show|derby-final|concert|documentary|weather|election-night|interview>/<hex:12>/<pick:seg-|part-|frame-|audio-><number:9000>.<pick:ts|m4s|mp4|jpg|vtt|json|mxf>",
    ),
    (
        "role",
        40,
        "<pick:encoder|cms|playout|newsroom|ingest|paywall|epg|archive|subtitle|search>-<pick:task|worker|api|batch|scheduler|lambda|node>-<pick:role|role|execution-role>",
    ),
    (
        "fn",
        40,
        "<pick:clip|thumbnail|subtitle|epg|paywall|transcode|publish|notify|resize|index|expire|rights>-<pick:created|updated|handler|worker|dispatcher|trigger|sync|cleanup>-<pick:prod|prod|stg|dev>",
    ),
    (
        "table",
        20,
        "<pick:articles|episodes|sessions|viewers|rights|schedules|locks|entitlements>-<pick:prod|stg|dev>",
    ),
    (
        "queue",
        24,
        "<pick:encode|clip|publish|ingest|notify|billing>-<pick:jobs|events|dlq|retry>-<pick:prod|stg>",
    ),
    (
        "topic",
        16,
        "<pick:publish|encode|alarm|breaking-news|rights|deploy>-<pick:events|alerts|updates>",
    ),
    ("cluster", 8, "<pick:media|web|batch|live>-<pick:prod|stg|dev>"),
    (
        "svc",
        24,
        "<pick:cms|newsroom|playout|paywall|search|comments|epg|gateway>-<pick:web|api|worker>",
    ),
    ("repo", 20, "<pick:media|web|live>/<pick:encoder|cms|api|packager|worker|frontend|player>"),
    (
        "stack",
        20,
        "<pick:cms|encoder|live|vod|network|shared|paywall>-<pick:prod|stg|dev>-<pick:app|data|edge|pipeline>",
    ),
    (
        "loggroup",
        30,
        "/<pick:aws/lambda|ecs|aws/codebuild|aws/eks>/<pick:clip|thumbnail|cms|encoder|paywall|live|epg>-<pick:handler|worker|api|web>-<pick:prod|stg>",
    ),
    ("kms", 12, "<uuid>"),
    (
        "param",
        40,
        "/<pick:cms|encoder|live|vod|paywall|shared>/<pick:prod|stg|dev>/<pick:db/url|api/endpoint|feature/flags|cache/host|drm/endpoint|player/config>",
    ),
    (
        "secret",
        16,
        "<pick:cms|encoder|live|paywall|epg>/<pick:prod|stg>/<pick:db|api-token|drm-key|signing>-<alnum:6>",
    ),
    ("db", 10, "<pick:cms|paywall|epg|archive>-<pick:prod|stg>-<pick:writer|reader|cluster>"),
    (
        "asg",
        14,
        "<pick:encoder|packager|playout|web|eks-node>-<pick:spot|ondemand>-<pick:blue|green>-<hex:8>",
    ),
    (
        "alarm",
        30,
        "<pick:encoder|live|cms|paywall|playout>-<pick:cpu-high|latency|5xx|queue-depth|stream-lost|errors>",
    ),
    ("lb", 12, "app/<pick:web|cms|api|live>-<pick:prod|stg>/<hex:16>"),
    ("tg", 16, "targetgroup/<pick:web|cms|api|live>-<hex:6>/<hex:16>"),
    (
        "user",
        14,
        "<pick:legacy-ftp|partner-upload|smtp-relay|backup-agent|wire-feed|satellite-ingest|ops-break-glass|monitoring><pick:|-2|-old>",
    ),
    (
        "person",
        24,
        "<pick:aiko.tanaka|j.smith|maria.santos|li.wei|o.brien|sam.okafor|hana.sato|lars.nilsson|priya.nair|tom.becker|yui.mori|carlos.ruiz|ingrid.dahl|ben.cohen|noor.haddad|emma.dubois|k.yamada|d.novak>@media.example.com",
    ),
    ("build", 60, "<pick:encoder|cms|web|live|infra|packager>-<pick:deploy|build|test>:<uuid>"),
    ("zone", 8, "Z0<upper:19>"),
    ("dist", 8, "E<upper:13>"),
    (
        "feed",
        20,
        "<pick:breaking|sports|culture|économie|天気予報|ニュース速報|política|Übertragung>",
    ),
    ("sha", 80, "sha256:<hex:64>"),
    ("roleid", 40, "AROA<upper:10>EXAMPLE"),
    ("state", 10, "<pick:encode|publish|ingest|rights>-<pick:workflow|saga|pipeline>"),
    ("stream", 10, "<pick:clickstream|player-beacons|ad-impressions|live-chat>-<pick:prod|stg>"),
];

/// All named things of one account.
#[derive(Clone, Debug)]
pub(crate) struct Pools(Vec<Vec<String>>);

/// Returns the number of the pool called `name`.
pub(crate) fn index(name: &str) -> Option<usize> {
    POOLS.iter().position(|pool| pool.0 == name)
}

impl Pools {
    /// Names the things of `account`.
    pub(crate) fn new(seed: u64, account: &str) -> Self {
        let none = Self(Vec::new());
        let mut random = Random::new(mix(seed, account.parse().unwrap_or_default()));
        let mut fill = |template: &Template| {
            let scene = Scene {
                account,
                partner: account,
                region: "us-east-1",
                pools: &none,
                draw: 0,
                time: 0,
                created: 0,
                session: 0,
                caller_name: "",
                request: b"",
            };
            let mut out = Vec::new();
            template.fill(&mut out, &scene, &mut random);
            String::from_utf8(out).expect("templates are text and holes are ASCII")
        };
        let pools = POOLS.iter().map(|&(_, count, text)| {
            let template = Template::compile(text);
            (0..count).map(|_| fill(&template)).collect()
        });
        Self(pools.collect())
    }

    /// Returns the thing of pool number `pool` that `hash` points at.
    pub(crate) fn name(&self, pool: usize, hash: u64) -> &str {
        let names = &self.0[pool];
        &names[skewed(hash, names.len())]
    }

    /// Returns all things of the pool called `name`.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        index(name).map_or(&[], |pool| &self.0[pool])
    }
}

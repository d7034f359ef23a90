//! Walks a bucket's folders, many at once, and hands on the objects that are wanted.
//!
//! A folder that may not be listed is noted, and the others are gone through all the same.

use std::time::Duration;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::Object;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use jiff::civil::Date;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::layout::{Step, Wanted};
use super::listing::Row;
use crate::runtime::retry::Backoff;
use crate::sources::s3::{Bucket, Fault, Outcome, is_passed_by};
use crate::sources::shown::shown;

/// Requests at once.
const AT_ONCE: usize = 32;

/// How often a page is asked for before its folder is given up.
const ATTEMPTS: u32 = 8;

/// How deep folders above `AWSLogs` are looked into.
const MAX_DEPTH: usize = 4;

/// Folders that cannot be listed and are named; the rest is counted.
const MAX_NAMED: usize = 100;

/// Names of what is there instead of what was looked for.
const MAX_THERE: usize = 12;

/// What a listing came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Objects that were found and are wanted.
    pub objects: u64,
    /// Their bytes, packed.
    pub bytes: u64,
    /// Those of them that stand in an archive.
    pub archived: u64,
    /// Objects of these days that hold no events: digests, folder markers.
    pub passed_by: u64,
    /// Requests that it took.
    pub requests: u64,
    /// Folders that could not be listed, the first of them by name.
    pub unlisted: Vec<Unlisted>,
    /// How many there were.
    pub unlisted_count: u64,
}

/// A folder that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unlisted {
    /// Its address.
    pub address: String,
    /// Why, and what to do.
    pub why: String,
}

/// Why a bucket cannot be listed at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// S3 says no, or nothing.
    #[error("{0}")]
    Fault(Fault),
    /// There is nothing of a trail.
    #[error("{0}")]
    Nothing(String),
    /// It was told to stop.
    #[error("stopped while it was being listed")]
    Stopped,
}

/// Lists a bucket.
pub struct Lister<'l> {
    /// The bucket.
    pub bucket: &'l Bucket,
    /// What is wanted of it.
    pub wanted: &'l Wanted,
    /// Set to give up.
    pub stop: &'l CancellationToken,
}

/// Something to be listed.
#[derive(Debug)]
enum Task {
    /// A folder, with how deep below the first one it is, and up to which day all is found already.
    Folder(String, usize, Option<Date>),
    /// Everything in a folder behind a key.
    All { folder: String, after: Option<String>, choice: Choice },
}

/// Which objects of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// Each.
    Each,
    /// Those in folders of days that are wanted.
    ByDay,
    /// Those whose name says so.
    ByName,
}

/// Where an answer begins.
#[derive(Debug, Default)]
enum Start {
    /// With the first key.
    #[default]
    Beginning,
    /// Behind this key.
    Key(String),
    /// Where the answer before ended.
    Page(String),
}

/// What listing something gave.
#[derive(Default)]
struct Found {
    tasks: Vec<Task>,
    counts: Listed,
    fault: Option<(String, Fault)>,
    /// A folder of the trail's own was seen.
    is_trail: bool,
}

impl Lister<'_> {
    /// Lists everything below `prefix` that is wanted, and sends it on.
    ///
    /// # Errors
    /// When nothing can be listed, or nothing of a trail is there.
    pub async fn list(
        &self,
        prefix: &str,
        rows: &mpsc::Sender<Vec<Row>>,
    ) -> Result<Listed, ListError> {
        let (mut listed, is_trail) =
            self.walk(Task::Folder(prefix.to_owned(), 0, None), rows).await?;
        // A copy of a trail may have other folders: names of files still tell.
        if !is_trail && listed.objects == 0 && listed.unlisted_count == 0 {
            let by_name =
                Task::All { folder: prefix.to_owned(), after: None, choice: Choice::ByName };
            let (named, _) = self.walk(by_name, rows).await?;
            listed.add(named);
        }
        if listed.objects == 0 && listed.unlisted_count == 0 {
            return Err(self.nothing(prefix, listed.passed_by).await);
        }
        Ok(listed)
    }

    /// Goes through folders, the deepest first, so that few wait.
    async fn walk(
        &self,
        first: Task,
        rows: &mpsc::Sender<Vec<Row>>,
    ) -> Result<(Listed, bool), ListError> {
        let mut listed = Listed::default();
        let mut is_trail = false;
        let mut waiting = vec![first];
        let mut under_way = FuturesUnordered::new();
        let mut is_first = true;
        loop {
            while under_way.len() < AT_ONCE
                && let Some(task) = waiting.pop()
            {
                under_way.push(self.task(task, rows));
            }
            let found = tokio::select! {
                found = under_way.next() => found,
                () = self.stop.cancelled() => return Err(ListError::Stopped),
            };
            let Some(found) = found else { return Ok((listed, is_trail)) };
            let Found { tasks, counts, fault, is_trail: is_here } = found;
            if let Some((folder, fault)) = fault {
                // Without the first folder there is nothing; and some faults are everywhere the same.
                if is_first || !matches!(fault.outcome, Outcome::Denied) {
                    return Err(ListError::Fault(fault));
                }
                listed.unlisted_count += 1;
                if listed.unlisted.len() < MAX_NAMED {
                    listed.unlisted.push(Unlisted { address: folder, why: fault.detail });
                }
            }
            is_first = false;
            is_trail |= is_here;
            listed.add(counts);
            waiting.extend(tasks);
        }
    }

    async fn task(&self, task: Task, rows: &mpsc::Sender<Vec<Row>>) -> Found {
        let mut found = Found::default();
        let done = match task {
            Task::All { folder, after, choice } => {
                self.all(&folder, after, choice, rows, &mut found).await
            }
            Task::Folder(folder, depth, done) => {
                found.is_trail = !Wanted::is_outside(&folder);
                match self.wanted.step(&folder, done) {
                    Step::PassBy => Ok(()),
                    Step::EnterThese(folders) => {
                        let tasks = folders.into_iter().map(|it| Task::Folder(it, 0, done));
                        found.tasks.extend(tasks);
                        Ok(())
                    }
                    Step::Glance { after, before } => {
                        self.glance(&folder, after, &before, rows, &mut found).await
                    }
                    Step::Take => self.all(&folder, None, Choice::Each, rows, &mut found).await,
                    Step::Enter => self.enter(&folder, (depth, done), &mut found).await,
                }
            }
        };
        found.fault = done.err();
        found
    }

    /// Finds the folders of a folder.
    async fn enter(
        &self,
        folder: &str,
        (depth, done): (usize, Option<Date>),
        found: &mut Found,
    ) -> Result<(), (String, Fault)> {
        let mut from = Start::default();
        loop {
            let page = self.page(folder, Some("/"), from, 1000).await?;
            found.counts.requests += 1;
            let folders = page.common_prefixes().iter().filter_map(|one| one.prefix());
            found.tasks.extend(self.within(folders, depth, done));
            let Some(token) = page.next_continuation_token else { return Ok(()) };
            from = Start::Page(token);
        }
    }

    /// Finds the objects of a folder.
    async fn all(
        &self,
        folder: &str,
        after: Option<String>,
        choice: Choice,
        rows: &mpsc::Sender<Vec<Row>>,
        found: &mut Found,
    ) -> Result<(), (String, Fault)> {
        let mut from = after.map_or(Start::default(), Start::Key);
        loop {
            let page = self.page(folder, None, from, 1000).await?;
            found.counts.requests += 1;
            self.take(page.contents(), choice, rows, found).await;
            let Some(token) = page.next_continuation_token else { return Ok(()) };
            from = Start::Page(token);
        }
    }

    /// Finds the objects of a region, as far as one answer goes. What is behind is left to tasks of its
    /// own, which run beside each other.
    async fn glance(
        &self,
        region: &str,
        after: String,
        before: &str,
        rows: &mpsc::Sender<Vec<Row>>,
        found: &mut Found,
    ) -> Result<(), (String, Fault)> {
        let mut from = Start::Key(after);
        loop {
            let page = self.page(region, None, from, 1000).await?;
            found.counts.requests += 1;
            let objects = page.contents();
            let key = |object: &Object| object.key().unwrap_or("") < before;
            let within = objects.partition_point(key);
            self.take(&objects[..within], Choice::ByDay, rows, found).await;
            let is_all = within < objects.len();
            let last = objects.last().and_then(|last| last.key());
            let last = last.and_then(|key| Some((key.to_owned(), self.wanted.day(key)?)));
            let Some(token) = page.next_continuation_token.filter(|_| !is_all) else {
                return Ok(());
            };
            // An odd name between the days: they begin behind it.
            let Some((last, (day, _))) = last else {
                from = Start::Page(token);
                continue;
            };
            let rest = format!("{region}{}/", day.strftime("%Y/%m/%d"));
            found.tasks.push(Task::Folder(region.to_owned(), 0, Some(day)));
            found.tasks.push(Task::All { folder: rest, after: Some(last), choice: Choice::Each });
            return Ok(());
        }
    }

    /// Folders of a folder that are worth going into.
    fn within<'a>(
        &self,
        folders: impl Iterator<Item = &'a str>,
        depth: usize,
        done: Option<Date>,
    ) -> impl Iterator<Item = Task> {
        folders
            .filter(move |folder| depth < MAX_DEPTH || !Wanted::is_outside(folder))
            .filter(move |folder| self.wanted.step(folder, done) != Step::PassBy)
            .map(move |folder| Task::Folder(folder.to_owned(), depth + 1, done))
    }

    /// Hands on what is wanted of a page.
    async fn take(
        &self,
        objects: &[Object],
        choice: Choice,
        rows: &mpsc::Sender<Vec<Row>>,
        found: &mut Found,
    ) {
        let mut taken = Vec::with_capacity(objects.len());
        for object in objects {
            let key = object.key().unwrap_or_default();
            let is_wanted = match choice {
                Choice::Each => !is_passed_by(key),
                Choice::ByDay => {
                    self.wanted.day(key).is_some_and(|(_, is_in)| is_in) && !is_passed_by(key)
                }
                Choice::ByName => self.wanted.takes_by_name(key),
            };
            let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
            // An empty object is the marker of a folder, or nothing that CloudTrail wrote.
            if !is_wanted || size == 0 {
                found.counts.passed_by += 1;
                continue;
            }
            found.counts.objects += 1;
            found.counts.bytes += size;
            let class = object.storage_class().map_or("", |class| class.as_str());
            found.counts.archived += u64::from(matches!(class, "GLACIER" | "DEEP_ARCHIVE"));
            let etag = object.e_tag().unwrap_or_default().trim_matches('"');
            taken.push((size, etag.to_owned(), key.to_owned()));
        }
        if !taken.is_empty() {
            // Nobody takes more only when the listing failed, which is told there.
            let _ = rows.send(taken).await;
        }
    }

    /// One answer. What fails is told with the folder.
    async fn page(
        &self,
        folder: &str,
        delimiter: Option<&str>,
        from: Start,
        most: i32,
    ) -> Result<ListObjectsV2Output, (String, Fault)> {
        let (key, token) = match from {
            Start::Beginning => (None, None),
            Start::Key(key) => (Some(key), None),
            Start::Page(token) => (None, Some(token)),
        };
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(20));
        let payer = self.bucket.config.requester_pays;
        loop {
            let request = self
                .bucket
                .client
                .list_objects_v2()
                .bucket(&self.bucket.config.name)
                .prefix(folder)
                .max_keys(most)
                .set_delimiter(delimiter.map(str::to_owned))
                .set_start_after(key.clone())
                .set_continuation_token(token.clone())
                .set_request_payer(payer.then_some(aws_sdk_s3::types::RequestPayer::Requester));
            let error = match request.send().await {
                Ok(page) => return Ok(page),
                Err(error) => Fault::of_list(&error, &self.address(folder)),
            };
            let is_last = backoff.attempts() + 1 >= ATTEMPTS;
            if !error.outcome.is_transient() || is_last || !backoff.wait(self.stop).await {
                return Err((self.address(folder), error));
            }
        }
    }

    /// Says what was looked for, and what is there instead.
    async fn nothing(&self, prefix: &str, passed_by: u64) -> ListError {
        let Wanted { first, last, accounts, regions } = self.wanted;
        let of = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!(", {what} {}", names.join(", ")),
        };
        let (accounts, regions) = (of("account", accounts), of("region", regions));
        let mut words = format!(
            "nothing of CloudTrail is in {} for {first} to {last}{accounts}{regions}",
            self.address(prefix)
        );
        if passed_by > 0 {
            words.push_str(&format!(" ({passed_by} objects there are none of these)"));
        }
        let mut folder = prefix;
        loop {
            match self.page(folder, Some("/"), Start::default(), 1000).await {
                Ok(page) => {
                    let there = there(&page);
                    if !there.is_empty() {
                        let place = self.address(folder);
                        words.push_str(&format!("; in {place} there are: {}", there.join(", ")));
                        break;
                    }
                }
                Err((_, fault)) => {
                    words.push_str(&format!("; {}", fault.detail));
                    break;
                }
            }
            if folder.is_empty() {
                words.push_str("; the bucket is empty");
                break;
            }
            let above = folder.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
            folder = &folder[..above];
        }
        ListError::Nothing(words)
    }

    fn address(&self, folder: &str) -> String {
        shown(&format!("s3://{}/{folder}", self.bucket.config.name))
    }
}

/// What stands in a folder, as far as it is worth naming.
fn there(page: &ListObjectsV2Output) -> Vec<String> {
    let folders = page.common_prefixes().iter().filter_map(|one| one.prefix());
    let objects = page.contents().iter().filter_map(|object| object.key());
    let mut names: Vec<String> = folders.chain(objects).take(MAX_THERE + 1).map(shown).collect();
    if names.len() > MAX_THERE {
        names.truncate(MAX_THERE);
        names.push("and more".to_owned());
    }
    names
}

impl Listed {
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.archived += other.archived;
        self.passed_by += other.passed_by;
        self.requests += other.requests;
        self.unlisted_count += other.unlisted_count;
        self.unlisted.extend(other.unlisted);
    }
}

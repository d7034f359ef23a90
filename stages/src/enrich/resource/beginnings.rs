//! Ids that tell by what they begin with what they are of.

/// The type of what an id is of, if it begins as such ids do, and has behind it 8 or 17 hexadecimal digits.
pub(super) fn kind_of_id(id: &str) -> Option<&'static str> {
    let is_id = |rest: &str| {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        matches!(rest.len(), 8 | 17) && rest.bytes().all(is_digit)
    };
    let known = BEGINNINGS.iter().find(|(first, _)| id.strip_prefix(first).is_some_and(is_id));
    known.map(|(_, kind)| *kind).or_else(|| is_unit(id).then_some(UNIT))
}

const UNIT: &str = "AWS::Organizations::OrganizationalUnit";

/// `ou-`, the root's 4 to 32 letters and digits, and 8 to 32 of its own.
fn is_unit(id: &str) -> bool {
    let parts = id.strip_prefix("ou-").and_then(|rest| rest.split_once('-'));
    let is_word =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    parts.is_some_and(|(root, own)| {
        (4..=32).contains(&root.len())
            && (8..=32).contains(&own.len())
            && is_word(root)
            && is_word(own)
    })
}

const BEGINNINGS: &[(&str, &str)] = &[
    ("acl-", "AWS::EC2::NetworkAcl"),
    ("ami-", "AWS::EC2::Image"),
    ("cgw-", "AWS::EC2::CustomerGateway"),
    ("cvpn-endpoint-", "AWS::EC2::ClientVpnEndpoint"),
    ("dopt-", "AWS::EC2::DHCPOptions"),
    ("eice-", "AWS::EC2::InstanceConnectEndpoint"),
    ("eipalloc-", "AWS::EC2::EIP"),
    ("eni-", "AWS::EC2::NetworkInterface"),
    ("fl-", "AWS::EC2::FlowLog"),
    ("fs-", "AWS::EFS::FileSystem"),
    ("i-", "AWS::EC2::Instance"),
    ("igw-", "AWS::EC2::InternetGateway"),
    ("lt-", "AWS::EC2::LaunchTemplate"),
    ("mi-", "AWS::SSM::ManagedInstance"),
    ("nat-", "AWS::EC2::NatGateway"),
    ("pcx-", "AWS::EC2::VPCPeeringConnection"),
    ("pl-", "AWS::EC2::PrefixList"),
    ("rtb-", "AWS::EC2::RouteTable"),
    ("sg-", "AWS::EC2::SecurityGroup"),
    ("snap-", "AWS::EC2::Snapshot"),
    ("subnet-", "AWS::EC2::Subnet"),
    ("tgw-", "AWS::EC2::TransitGateway"),
    ("tgw-attach-", "AWS::EC2::TransitGatewayAttachment"),
    ("tms-", "AWS::EC2::TrafficMirrorSession"),
    ("vgw-", "AWS::EC2::VPNGateway"),
    ("vol-", "AWS::EC2::Volume"),
    ("vpc-", "AWS::EC2::VPC"),
    ("vpce-", "AWS::EC2::VPCEndpoint"),
    ("vpce-svc-", "AWS::EC2::VPCEndpointService"),
    ("vpn-", "AWS::EC2::VPNConnection"),
];

/// How the regions of AWS's other partitions begin, and how their hosts end.
const SUFFIXES: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
];

/// AWS's own endpoint of S3 in a region; the client knows those of one partition alone.
pub(super) fn of(region: &str) -> String {
    let known = SUFFIXES.iter().find(|(partition, _)| region.starts_with(partition));
    let suffix = known.map_or("amazonaws.com", |&(_, suffix)| suffix);
    format!("https://s3.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_those_of_the_regions_partition() {
        for (region, host) in [
            ("eu-west-1", "s3.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu"),
            ("us-isob-east-1", "s3.us-isob-east-1.sc2s.sgov.gov"),
        ] {
            assert_eq!(of(region), format!("https://{host}"));
        }
    }
}

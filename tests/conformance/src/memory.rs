/// The most memory that this process has had, in MiB, as Linux tells it. A test that bounds it runs in a process
/// of its own.
///
/// # Panics
/// Where the system does not tell: such a test could not fail.
#[allow(clippy::unwrap_used)]
pub fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

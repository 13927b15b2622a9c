use std::fmt::Display;
use std::process::{Command, Stdio};

/// Sends a signal such as `-INT` to the process of that id; whether it is there. `-0` only asks.
#[must_use]
pub fn signal(name: &str, process: impl Display) -> bool {
    // The shell's own: not every system has a program of that name.
    let sent = Command::new("sh")
        .args(["-c", "kill \"$0\" \"$1\"", name, &process.to_string()])
        .stderr(Stdio::null())
        .status();
    sent.is_ok_and(|status| status.success())
}

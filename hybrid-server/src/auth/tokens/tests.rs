#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::SystemTime;

use hybrid_core::chrono::DateTime;
use hybrid_core::{Error, ErrorKind};

use super::*;

const A: &str = "0123456789abcdef";
const B: &str = "another token of ours";
/// The digest of `A`.
const SHA256: &str = "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";

fn parse(text: &str) -> Result<Tokens> {
    Tokens::parse(text, Path::new("tokens.yaml"))
}

fn problem(text: &str) -> Error {
    parse(text).err().unwrap()
}

fn at(time: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

#[test]
fn all_that_an_entry_can_hold() {
    let tokens = parse(&format!(
        "- name: ada\n  token: {A}\n  roles: [r]\n  groups: [g]\n  namespaces: [n]\n  expires: 2030-01-01T01:00:00+01:00\n"
    ))
    .unwrap();
    let ada = tokens.identify(A, at("2029-12-31T23:59:59Z")).unwrap();
    let lists = [&ada.roles, &ada.groups, &ada.namespaces].map(|list| list.join(","));
    assert_eq!((ada.name.as_str(), lists), ("ada", ["r", "g", "n"].map(str::to_owned)));
    let expired = tokens.identify(A, at("2030-01-01T00:00:00Z")).err().unwrap();
    assert_eq!(expired.kind(), ErrorKind::Unauthenticated);
    assert_eq!(expired.message(), "the token expired at 2030-01-01T00:00:00+00:00");
    let unknown = tokens.identify("0123456789abcdeF", Utc::now()).err().unwrap();
    assert_eq!(unknown.message(), "the token is not known");
}

#[test]
fn digests_stand_for_tokens() {
    for digest in [SHA256.to_owned(), SHA256.to_uppercase()] {
        let tokens = parse(&format!("- {{name: ada, sha256: {digest}}}")).unwrap();
        assert_eq!(tokens.identify(A, Utc::now()).unwrap(), Identity::new("ada"));
        assert!(tokens.identify(SHA256, Utc::now()).is_err());
    }
}

#[test]
fn numbers_are_tokens_too_and_no_entry_is_none() {
    let tokens = parse("- {name: ada, token: 1234567890123456}").unwrap();
    assert!(tokens.identify("1234567890123456", Utc::now()).is_ok());
    assert_eq!(parse("[]").unwrap().len(), 0);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_the_token() {
    for (text, place, message) in [
        (
            "- {name: a, token: SECRETSECRET}",
            "1:13",
            "`token` has fewer than 16 characters",
        ),
        ("- {name: a, token: ''}", "1:13", "`token` has fewer than 16 characters"),
        ("- name: a\n  token: SECRET SECRET SECRET", "2:3", "visible ASCII"),
        ("- name: a\n  token: SECRETSECRETSECRÉT", "2:3", "visible ASCII"),
        ("- {name: a}", "1:3", "neither `token` nor `sha256`"),
        ("- {name: a, sha256: SECRET}", "1:13", "64 hexadecimal digits"),
        (
            "- {name: a, token: SECRETSECRETSECRET, sha256: aa}",
            "1:40",
            "exclude each other",
        ),
        ("- {name: '', token: SECRETSECRETSECRET}", "1:4", "`name` is empty"),
        ("- {token: SECRETSECRETSECRET}", "1:", "name"),
        ("- {name: a, token: SECRETSECRETSECRET, role: [r]}", "1:40", "role"),
        ("- {name: a, token: SECRETSECRETSECRET, roles: r}", "1:", "roles"),
        ("- {name: a, token: [SECRETSECRETSECRET]}", "1:", "token"),
        (
            "- {name: a, token: SECRETSECRETSECRET, expires: tomorrow}",
            "1:40",
            "a time with a zone",
        ),
        (
            "- {name: a, token: SECRETSECRETSECRET, expires: 2030-01-01}",
            "1:40",
            "a time with a zone",
        ),
        ("- SECRETSECRETSECRET", "1:3", "an entry is a mapping"),
        ("SECRETSECRETSECRET", "1:1", "a list of entries"),
        ("a: SECRETSECRETSECRET", "1:1", "a list of entries"),
        ("", "1:1", "a list of entries"),
        ("- {name: a, token: SECRETSECRETSECRET", "", ""),
        (
            "- name: a\n  token: SECRETSECRETSECRET\n- name: b\n  token: SECRETSECRETSECRET",
            "3:3",
            "the token of `a` once more",
        ),
    ] {
        let error = problem(text);
        assert_eq!(error.kind(), ErrorKind::Config, "{text}");
        let shown = error.to_string();
        assert!(
            shown.starts_with(&format!("tokens.yaml:{place}")) && shown.contains(message),
            "{text}: {shown}"
        );
        assert!(!shown.contains("SECRET"), "{shown}");
    }
    let both = problem("- {name: a}\n- {name: b}");
    assert_eq!(both.problems().len(), 2, "{both}");
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write(text, 60);
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens.yaml")
    }

    /// Writes it in place, as if it had been so many seconds ago.
    fn write(&self, text: &str, age: u64) {
        std::fs::write(self.path(), text).unwrap();
        let file = std::fs::File::options().append(true).open(self.path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }

    /// A file that is looked at on every call.
    fn open(&self) -> Arc<TokenFile> {
        let mut file = TokenFile::open(self.path()).unwrap();
        file.pause = Duration::ZERO;
        Arc::new(file)
    }
}

async fn knows(file: &Arc<TokenFile>, token: &str) -> bool {
    file.identify(token).await.is_ok()
}

#[tokio::test]
async fn a_new_version_counts_and_a_broken_one_does_not() {
    let entry = |token: &str| format!("- name: ada\n  token: {}\n", token.replace(' ', "_"));
    let (a, b) = (A.to_owned(), B.replace(' ', "_"));
    let folder = Folder::new(&entry(&a));
    let file = folder.open();
    assert!(knows(&file, &a).await && !knows(&file, &b).await);
    folder.write(&entry(&b), 50);
    assert!(!knows(&file, &a).await && knows(&file, &b).await);
    for broken in ["- {name: ada", "", "- name: x\n", "\u{0}"] {
        folder.write(broken, 40);
        assert!(knows(&file, &b).await, "{broken}");
    }
    std::fs::remove_file(folder.path()).unwrap();
    assert!(knows(&file, &b).await);
    folder.write(&entry(&a), 30);
    assert!(knows(&file, &a).await && !knows(&file, &b).await);
    folder.write("[]", 20);
    assert!(!knows(&file, &a).await);
}

#[tokio::test]
async fn a_change_within_the_same_moment_is_seen() {
    let folder = Folder::new(&format!("- {{name: ada, token: {A}}}"));
    let file = folder.open();
    folder.write(&format!("- {{name: bob, token: {A}}}"), 0);
    assert_eq!(file.identify(A).await.unwrap().name, "bob");
    let modified = std::fs::metadata(folder.path()).unwrap().modified().unwrap();
    std::fs::write(folder.path(), format!("- {{name: eve, token: {A}}}")).unwrap();
    std::fs::File::options()
        .append(true)
        .open(folder.path())
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(file.identify(A).await.unwrap().name, "eve");
}

#[tokio::test]
async fn it_is_looked_at_once_a_second_at_most() {
    let folder = Folder::new(&format!("- {{name: ada, token: {A}}}"));
    let file = Arc::new(TokenFile::open(folder.path()).unwrap());
    folder.write("[]", 10);
    assert!(knows(&file, A).await);
    tokio::time::sleep(PAUSE).await;
    assert!(!knows(&file, A).await);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new("[]");
    let missing = TokenFile::open(folder.0.path().join("nowhere.yaml")).err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("nowhere.yaml"), "{missing}");
    std::fs::write(folder.path(), b"- \xff\xfe").unwrap();
    assert_eq!(TokenFile::open(folder.path()).err().unwrap().kind(), ErrorKind::Config);
    std::fs::write(folder.path(), vec![b'#'; (4 << 20) + 1]).unwrap();
    assert!(
        TokenFile::open(folder.path())
            .err()
            .unwrap()
            .message()
            .contains("more than")
    );
}

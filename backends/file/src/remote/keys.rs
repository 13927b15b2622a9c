//! Which keys of a bucket a source means: by the same rules as for files and folders of this machine.

use glob::{MatchOptions, Pattern};
use hybrid_core::{Error, ErrorKind, Result};
use hybrid_objects::Address;

use super::address::key;
use crate::listing::{extension, is_hidden, table_format};
use crate::location::is_glob;

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The objects that a URL stands for when it is no single one.
pub(super) struct Wanted {
    root: String,
    /// The folder that is listed, without slashes around it.
    prefix: String,
    pattern: Option<Pattern>,
}

impl Wanted {
    /// # Errors
    /// Definition for a glob that is none.
    pub(super) fn of(address: &Address) -> Result<Self> {
        let key = key(address);
        if !is_glob(key) {
            return Ok(Self {
                root: address.root.clone(),
                prefix: key.to_owned(),
                pattern: None,
            });
        }
        let pattern = Pattern::new(key).map_err(|error| {
            Error::new(
                ErrorKind::Definition,
                format!("`{}` is no valid glob: {error}", address.url),
            )
        })?;
        let parts: Vec<&str> = key.split('/').collect();
        let fixed = parts.iter().take_while(|part| !is_glob(part)).count();
        Ok(Self {
            root: address.root.clone(),
            prefix: parts[..fixed].join("/"),
            pattern: Some(pattern),
        })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn is_glob(&self) -> bool {
        self.pattern.is_some()
    }

    /// The key's parts below the prefix, if the object is one of the source's files.
    ///
    /// # Errors
    /// Unsupported when the key shows that its folder is a Delta or Iceberg table.
    pub(super) fn parts(&self, key: &str, size: u64) -> Result<Option<Vec<String>>> {
        let below = match key.strip_prefix(&self.prefix) {
            Some(below) => below.trim_start_matches('/'),
            None => return Ok(None),
        };
        let parts: Vec<String> = below.split('/').map(str::to_owned).collect();
        let Some(depth) = self.matched(&parts).filter(|_| !below.is_empty()) else {
            return Ok(None);
        };
        let hidden = parts.iter().position(|part| is_hidden(part));
        self.refuse_tables(&parts, depth, hidden)?;
        let placeholder = size == 0 && extension(&parts[parts.len() - 1]).is_empty();
        Ok((hidden.is_none() && !placeholder).then_some(parts))
    }

    /// How many leading parts are the folder or file that the URL names.
    fn matched(&self, parts: &[String]) -> Option<usize> {
        let Some(pattern) = &self.pattern else { return Some(0) };
        (1..=parts.len()).find(|&depth| {
            let below = parts[..depth].join("/");
            let key = if self.prefix.is_empty() {
                below
            } else {
                format!("{}/{below}", self.prefix)
            };
            pattern.matches_with(&key, OPTIONS)
        })
    }

    /// Delta and Iceberg keep files that are no longer part of the table: reading all would be wrong.
    fn refuse_tables(&self, parts: &[String], depth: usize, hidden: Option<usize>) -> Result<()> {
        let folder = |parts: &[String]| {
            let all: Vec<&str> = [self.root.as_str(), &self.prefix]
                .into_iter()
                .filter(|p| !p.is_empty())
                .chain(parts.iter().map(String::as_str))
                .collect();
            all.join("/")
        };
        if let Some(at) = hidden.filter(|&at| at >= depth && at + 1 < parts.len() && parts[at] == "_delta_log") {
            return Err(table_format("Delta", folder(&parts[..at])));
        }
        let metadata = parts
            .len()
            .checked_sub(2)
            .filter(|&at| at >= depth && parts[at] == "metadata");
        match metadata {
            Some(at) if hidden.is_none() && parts[at + 1].ends_with(".metadata.json") => {
                Err(table_format("Iceberg", folder(&parts[..at])))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::address::parse;
    use super::*;

    fn found(url: &str, keys: &[&str]) -> Result<Vec<String>> {
        let wanted = Wanted::of(&parse(url)?)?;
        let parts = keys.iter().map(|key| wanted.parts(key, 1));
        let parts: Vec<Option<Vec<String>>> = parts.collect::<Result<_>>()?;
        Ok(parts.into_iter().flatten().map(|parts| parts.join("/")).collect())
    }

    #[test]
    fn folders_have_what_is_below_and_not_hidden() {
        let keys = [
            "x/a.parquet",
            "x/y=1/b.parquet",
            "x/_tmp/c.parquet",
            "x/.d.parquet",
            "x/_y=2/e.parquet",
        ];
        assert_eq!(
            found("s3://b/x/", &keys).unwrap(),
            ["a.parquet", "y=1/b.parquet", "_y=2/e.parquet"]
        );
        assert_eq!(found("s3://b", &["x/a.parquet"]).unwrap(), ["x/a.parquet"]);
        let wanted = Wanted::of(&parse("s3://b/x").unwrap()).unwrap();
        assert!(
            wanted.parts("x/folder", 0).unwrap().is_none(),
            "a placeholder of a folder"
        );
    }

    #[test]
    fn globs_match_whole_parts_and_folders() {
        let keys = [
            "x/2024-01/a.parquet",
            "x/2024-02/b.csv",
            "x/2024-02/z/c.parquet",
            "x/2023/d.parquet",
            "x/.2024/e.parquet",
        ];
        assert_eq!(
            found("s3://b/x/2024-*/*.parquet", &keys).unwrap(),
            ["2024-01/a.parquet"]
        );
        assert_eq!(found("s3://b/x/2024-02", &keys).unwrap(), ["b.csv", "z/c.parquet"]);
        assert_eq!(
            found("s3://b/x/2024-?2", &keys).unwrap(),
            ["2024-02/b.csv", "2024-02/z/c.parquet"]
        );
        assert_eq!(found("s3://b/x/**/*.parquet", &keys).unwrap().len(), 3);
        assert_eq!(found("s3://b/*/2023/d.parquet", &keys).unwrap(), ["x/2023/d.parquet"]);
        assert_eq!(found("s3://b/x/[", &keys).unwrap_err().kind(), ErrorKind::Definition);
    }

    #[test]
    fn tables_of_other_formats_are_refused_where_they_are() {
        for (url, key, says) in [
            ("s3://b/x", "x/_delta_log/00.json", "`s3://b/x` is a Delta table"),
            ("s3://b/x", "x/t/_delta_log/00.json", "`s3://b/x/t` is a Delta table"),
            ("s3://b/*", "t/_delta_log/00.json", "`s3://b/t` is a Delta table"),
            (
                "s3://b/x/",
                "x/metadata/v1.metadata.json",
                "`s3://b/x` is a Iceberg table",
            ),
        ] {
            let error = found(url, &[key]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(found("s3://b/x", &["x/_old/_delta_log/00.json"]).unwrap().is_empty());
        assert!(
            found("s3://b/x/*.parquet", &["x/_delta_log/00.json"])
                .unwrap()
                .is_empty()
        );
    }
}

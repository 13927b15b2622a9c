use hybrid_core::{DataSource, Source};
use serde::{Deserialize, Serialize};

/// Rows in Parquet or CSV files: one file, a folder, or a glob.
#[derive(DataSource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// A path, a `file://` URL, or a URL of an object store (`s3://`, `gs://`, `az://`, `abfss://`).
    /// Ends in `/` for a folder that does not exist yet.
    pub path: String,
    /// `parquet` or `csv`; absent: by the file's extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_format: Option<String>,
    /// The address of an S3-compatible server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_endpoint_override: Option<String>,
}

impl FileSource {
    /// The rows at `path`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            file_format: None,
            s3_endpoint_override: None,
        }
    }

    /// Reads files as `format`, whatever their extension.
    #[must_use]
    pub fn with_file_format(mut self, format: impl Into<String>) -> Self {
        self.file_format = Some(format.into());
        self
    }

    /// Asks the S3-compatible server at `url`.
    #[must_use]
    pub fn with_s3_endpoint_override(mut self, url: impl Into<String>) -> Self {
        self.s3_endpoint_override = Some(url.into());
        self
    }
}

impl From<FileSource> for Source {
    fn from(source: FileSource) -> Self {
        let mut made = Self::new(FileSource::key());
        made.options.insert("path".to_owned(), source.path.into());
        for (name, value) in [
            ("file_format", source.file_format),
            ("s3_endpoint_override", source.s3_endpoint_override),
        ] {
            if let Some(value) = value {
                made.options.insert(name.to_owned(), value.into());
            }
        }
        made
    }
}

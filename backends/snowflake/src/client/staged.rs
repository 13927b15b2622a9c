//! Files on their way into a stage: PUT says where, and this client puts them there.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hybrid_core::error::with_causes;
use hybrid_core::{Error, ErrorKind, Result};
use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, StaticCredentialProvider};

use super::conversation::Conversation;
use super::message::StageInfo;
use super::parts::is_refused;
use super::session::parsed;
use crate::error::protocol;
use crate::names;

impl Conversation {
    /// The session's own temporary stage, made when it is asked for first; it goes with the session, and its files
    /// with it.
    pub(crate) async fn stage(&self) -> Result<String> {
        let mut made = self.session.stage.lock().await;
        if let Some(stage) = made.as_ref() {
            return Ok(stage.clone());
        }
        let stage = names::temporary();
        // Encrypted by the storage alone: what a client must encrypt itself is refused below.
        let statement = format!("CREATE TEMPORARY STAGE {stage} ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')");
        self.execute(&statement).await?;
        *made = Some(stage.clone());
        Ok(stage)
    }

    /// Puts a file into a folder of a stage.
    pub(crate) async fn put(&self, stage: &str, folder: &str, name: &str, bytes: Bytes) -> Result<()> {
        let statement = format!("PUT 'file:///{name}' @{stage}/{folder} AUTO_COMPRESS = FALSE OVERWRITE = TRUE");
        let info = self.place(&statement).await?;
        match self.put_at(&info, name, bytes.clone()).await {
            // The right to put it there may have ended on the way.
            Err(error) if is_refused(&error) => self.put_at(&self.place(&statement).await?, name, bytes).await,
            put => put,
        }
    }

    /// Where PUT says that a file goes, and by what right.
    async fn place(&self, statement: &str) -> Result<StageInfo> {
        let answer = self.raw(statement).await?;
        let info = parsed(&answer)?.data.and_then(|data| data.stage_info);
        let info = info.ok_or_else(|| protocol("PUT does not say where to"))?;
        if info.is_client_side_encrypted == Some(true) {
            let message = "the stage wants files that the client has encrypted, though it was made for others";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Ok(info)
    }

    async fn put_at(&self, info: &StageInfo, name: &str, bytes: Bytes) -> Result<()> {
        match (info.location_type.to_ascii_uppercase().as_str(), &info.presigned_url) {
            // No server elsewhere says what is written on this machine's disk.
            ("LOCAL_FS", _) if self.session.is_local() => written(info, name, bytes).await,
            ("GCS", Some(url)) if !url.is_empty() => self.put_signed(url, bytes).await,
            _ => {
                let (store, folder) = storage(info, self.session.is_local())?;
                let path = Path::parse(format!("{}/{name}", folder.trim_end_matches('/'))).map_err(protocol)?;
                store.put(&path, bytes.into()).await.map(drop).map_err(unstaged)
            }
        }
    }

    /// Puts a file at an address that is signed for it.
    async fn put_signed(&self, url: &str, bytes: Bytes) -> Result<()> {
        let http = self.session.http.of("the storage of the stage");
        let sent = http.asked(|_| http.client.put(url).body(bytes.clone())).await;
        sent.map(drop)
    }
}

fn unstaged(error: object_store::Error) -> Error {
    let kind = match &error {
        object_store::Error::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        object_store::Error::Unauthenticated { .. } => ErrorKind::Unauthenticated,
        // S3 says so with status 400.
        error if with_causes(error).contains("ExpiredToken") => ErrorKind::Unauthenticated,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "a file cannot be put into the stage").with_cause(error)
}

/// A server on this machine shares its disk.
async fn written(info: &StageInfo, name: &str, bytes: Bytes) -> Result<()> {
    let folder = PathBuf::from(&info.location);
    let wrote = async {
        tokio::fs::create_dir_all(&folder).await?;
        tokio::fs::write(folder.join(name), bytes).await
    };
    wrote.await.map_err(|error: std::io::Error| {
        let message = format!("a file cannot be put into the stage at `{}`: {error}", folder.display());
        Error::new(ErrorKind::Unavailable, message)
    })
}

/// The storage of a stage, and the folder in it.
fn storage(info: &StageInfo, local: bool) -> Result<(Arc<dyn ObjectStore>, &str)> {
    let (bucket, folder) = info.location.split_once('/').unwrap_or((&info.location, ""));
    let store = match info.location_type.to_ascii_uppercase().as_str() {
        "S3" => s3(info, bucket, local),
        "AZURE" => azure(info, bucket),
        "GCS" => gcs(info, bucket),
        other => return Err(protocol(format!("a stage on `{other}`"))),
    };
    Ok((store.map_err(unstaged)?, folder))
}

fn s3(info: &StageInfo, bucket: &str, local: bool) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(info.region.as_deref().unwrap_or("us-east-1"))
        .with_access_key_id(info.credential("AWS_KEY_ID").unwrap_or_default())
        .with_secret_access_key(info.credential("AWS_SECRET_KEY").unwrap_or_default());
    if let Some(token) = info.credential("AWS_TOKEN") {
        builder = builder.with_token(token);
    }
    match info.end_point.as_deref().filter(|point| !point.is_empty()) {
        // A server on this machine says the whole address.
        Some(point) if local && point.starts_with("http://127.0.0.1:") => {
            builder = builder.with_endpoint(point).with_allow_http(true);
        }
        Some(point) => {
            builder = builder
                .with_endpoint(format!("https://{bucket}.{point}"))
                .with_virtual_hosted_style_request(true);
        }
        None => builder = builder.with_virtual_hosted_style_request(true),
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(info: &StageInfo, container: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let account = info.storage_account.as_deref().unwrap_or_default();
    let sas = info.credential("AZURE_SAS_TOKEN").unwrap_or_default();
    let point = info.end_point.as_deref().unwrap_or("core.windows.net");
    let point = point.strip_prefix("blob.").unwrap_or(point);
    let store = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_endpoint(format!("https://{account}.blob.{point}"))
        .with_config(AzureConfigKey::SasKey, sas.trim_start_matches('?'))
        .build()?;
    Ok(Arc::new(store))
}

fn gcs(info: &StageInfo, bucket: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    let bearer = info.credential("GCS_ACCESS_TOKEN").unwrap_or_default().to_owned();
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_credentials(Arc::new(StaticCredentialProvider::new(GcpCredential { bearer })))
        .build()?;
    Ok(Arc::new(store))
}

use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;

use crate::client::Conversation;
use crate::names;
use crate::session::Shared;
use crate::upload::Storage;

/// Drops what processes that were killed have left behind, by name and age. What goes wrong does not matter: the
/// next start tries again.
pub(crate) async fn sweep(shared: Arc<Shared>) {
    let config = &shared.config;
    let conversation = shared.conversation();
    tables(&conversation, &config.catalog, &config.dataset, config.sweep_after).await;
    if let Some(staging) = &config.staging {
        let schema = config.staging_schema(staging);
        tables(&conversation, &staging.catalog, schema, config.sweep_after).await;
    }
    match &shared.storage {
        Some(Storage::Folder(folder)) => folders(folder, config.sweep_after).await,
        Some(Storage::Objects(objects)) => objects.sweep(config.sweep_after).await,
        None => {}
    }
    if let Some(catalog) = &config.export_catalog {
        tables(&conversation, catalog, &config.dataset, config.sweep_after).await;
    }
}

async fn tables(conversation: &Conversation, catalog: &str, schema: &str, age: u64) {
    let list = format!(
        "SELECT table_name FROM {}.information_schema.tables WHERE table_schema = {} AND table_name LIKE 'hybrid\\_tmp\\_%' ESCAPE '\\'",
        names::quoted(catalog),
        names::text(&schema.to_lowercase())
    );
    let Ok(batches) = conversation.rows(&list).await else {
        return;
    };
    for batch in batches {
        let Some(found) = batch.columns().first().and_then(|column| column.as_string_opt::<i32>()) else {
            return;
        };
        for name in found.iter().flatten().filter(|name| names::is_older(name, age)) {
            let table = names::table(&[catalog, schema, name]);
            let _ = conversation.execute(&format!("DROP TABLE IF EXISTS {table}")).await;
        }
    }
}

async fn folders(path: &Path, age: u64) {
    let Ok(mut entries) = tokio::fs::read_dir(path).await else {
        return;
    };
    while let Ok(Some(entry)) = entries.next_entry().await {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| names::is_older(name, age))
        {
            let _ = tokio::fs::remove_dir_all(entry.path()).await;
        }
    }
}

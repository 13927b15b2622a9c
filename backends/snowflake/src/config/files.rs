use std::path::{Path, PathBuf};

use configparser::ini::Ini;
use hybrid_core::{Error, ErrorKind, Result, Secret};

use super::{Protocol, SnowflakeConfig};

/// The section of snowsql's configuration that Feast reads.
const SECTION: &str = "connections.feast_offline_store";

impl SnowflakeConfig {
    /// With what is absent taken from the named connection, then from snowsql's configuration.
    pub(crate) fn completed(self, repo: &Path) -> Result<Self> {
        self.completed_from(snowflake_home(), repo)
    }

    /// The same, with the connections of a folder.
    pub(super) fn completed_from(mut self, folder: Option<PathBuf>, repo: &Path) -> Result<Self> {
        if let Some(name) = self.connection_name.clone() {
            let homeless = || Error::new(ErrorKind::Config, "`connection_name` is there, but HOME is not set");
            for (field, value) in named_connection(&folder.ok_or_else(homeless)?, &name)? {
                let value = if NAMES.contains(&field.as_str()) {
                    resolved(&value)
                } else {
                    value
                };
                self.complete(&field, &value, &format!("connection `{name}`"))?;
            }
        }
        for (field, value) in snowsql(self.config_path.as_deref(), repo)? {
            self.complete(&field, &value, &format!("section `{SECTION}`"))?;
        }
        Ok(self)
    }

    /// Sets a field that is absent. What other clients may have there and this one has no use for is passed over.
    fn complete(&mut self, field: &str, value: &str, place: &str) -> Result<()> {
        let text = || Some(value.to_owned());
        let secret = || Some(Secret::new(value));
        match field {
            "account" | "accountname" => set(&mut self.account, text()),
            "user" | "username" => set(&mut self.user, text()),
            "password" => set(&mut self.password, secret()),
            "role" | "rolename" => set(&mut self.role, text()),
            "warehouse" | "warehousename" => set(&mut self.warehouse, text()),
            "database" | "dbname" => set(&mut self.database, text()),
            "schema" | "schemaname" => set(&mut self.schema, text()),
            "authenticator" => set(&mut self.authenticator, text()),
            "host" => set(&mut self.host, text()),
            "port" => {
                let wrong = |error| Error::new(ErrorKind::Config, format!("{place}: `port` is no port: {error}"));
                set(&mut self.port, Some(value.parse().map_err(wrong)?));
            }
            "protocol" => set(&mut self.protocol, Protocol::named(value)),
            "private_key_file" | "private_key_path" if self.private_key_content.is_none() => {
                set(&mut self.private_key, Some(PathBuf::from(expanded(value))));
            }
            "private_key" | "private_key_raw" if self.private_key.is_none() => {
                set(&mut self.private_key_content, secret());
            }
            "private_key_file_pwd" | "private_key_passphrase" => set(&mut self.private_key_passphrase, secret()),
            "token" if self.token_file_path.is_none() => set(&mut self.token, secret()),
            "token_file_path" if self.token.is_none() => {
                set(&mut self.token_file_path, Some(PathBuf::from(expanded(value))));
            }
            "oauth_client_id" => set(&mut self.oauth_client_id, text()),
            "oauth_client_secret" => set(&mut self.oauth_client_secret, secret()),
            "oauth_token_request_url" => set(&mut self.oauth_token_request_url, text()),
            "oauth_scope" => set(&mut self.oauth_scope, text()),
            _ => {}
        }
        Ok(())
    }
}

/// The fields that name something in Snowflake. In feature_store.yaml and in snowsql's section they are written as they
/// are, which is Feast's way; other clients write them as SQL does.
const NAMES: [&str; 4] = ["role", "warehouse", "database", "schema"];

/// The name that SQL means: in capitals unless it is quoted.
fn resolved(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_uppercase(),
    }
}

fn set<T>(field: &mut Option<T>, value: Option<T>) {
    if field.is_none() {
        *field = value;
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .or_else(|| std::env::var_os("USERPROFILE"))
        .map(PathBuf::from)
}

fn expanded(path: &str) -> String {
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest).display().to_string(),
        _ => path.to_owned(),
    }
}

/// The folders of Snowflake's clients, the one that goes first first.
const HOMES: [&str; 3] = [
    ".snowflake",
    ".config/snowflake",
    "Library/Application Support/snowflake",
];

/// Where Snowflake's clients keep their connections.
fn snowflake_home() -> Option<PathBuf> {
    if let Some(own) = std::env::var_os("SNOWFLAKE_HOME") {
        return Some(PathBuf::from(own));
    }
    let home = home()?;
    let known = HOMES.map(|folder| home.join(folder));
    let there = known.iter().find(|folder| folder.is_dir()).cloned();
    there.or_else(|| known.into_iter().next())
}

/// The fields of a connection of connections.toml, or else of config.toml.
fn named_connection(folder: &Path, name: &str) -> Result<Vec<(String, String)>> {
    let mut known = Vec::new();
    for (file, inside) in [("connections.toml", None), ("config.toml", Some("connections"))] {
        let path = folder.join(file);
        let Some(text) = read(&path)? else { continue };
        let wrong = |error: toml::de::Error| {
            // Its own text shows the line, which may hold a secret.
            let message = format!("`{}` is no TOML: {}", path.display(), error.message());
            Error::new(ErrorKind::Config, message)
        };
        let table: toml::Table = toml::from_str(&text).map_err(wrong)?;
        let connections = match inside {
            None => Some(&table),
            Some(section) => table.get(section).and_then(toml::Value::as_table),
        };
        let Some(connections) = connections else { continue };
        if let Some(found) = connections.get(name).and_then(toml::Value::as_table) {
            return Ok(found
                .iter()
                .map(|(field, value)| (field.to_lowercase(), shown(value)))
                .collect());
        }
        known.extend(connections.keys().cloned());
    }
    let message = format!("`connection_name: {name}` is in no file of `{}`", folder.display());
    let help = match known.as_slice() {
        [] => "connections.toml holds one table per connection".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    };
    Err(Error::new(ErrorKind::Config, message).with_help(help))
}

fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        // No field that is read has another type.
        _ => String::new(),
    }
}

/// The fields of Feast's section in snowsql's configuration; a file that is named must be there.
fn snowsql(path: Option<&Path>, repo: &Path) -> Result<Vec<(String, String)>> {
    let own = path.map(|path| repo.join(path));
    let Some(file) = own
        .clone()
        .or_else(|| home().map(|home| home.join(".snowsql").join("config")))
    else {
        return Ok(Vec::new());
    };
    let Some(text) = read(&file)? else {
        return match own {
            Some(_) => Err(Error::new(
                ErrorKind::Config,
                format!("`config_path`: there is no file `{}`", file.display()),
            )),
            None => Ok(Vec::new()),
        };
    };
    let mut ini = Ini::new();
    ini.set_comment_symbols(&['#', ';']);
    ini.set_inline_comment_symbols(Some(&[]));
    let sections = match ini.read(text) {
        Ok(sections) => sections,
        // Somebody else's file that is not asked for is no problem of this store.
        Err(_) if own.is_none() => return Ok(Vec::new()),
        Err(_) => {
            let message = format!("`config_path`: `{}` cannot be read as a configuration", file.display());
            return Err(Error::new(ErrorKind::Config, message));
        }
    };
    let section = sections.get(SECTION).cloned().unwrap_or_default();
    let unquoted = |value: String| value.trim_matches('"').to_owned();
    let mut fields: Vec<(String, String)> = section
        .into_iter()
        .filter_map(|(field, value)| Some((field, unquoted(value?))))
        .collect();
    fields.sort();
    Ok(fields)
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let message = format!("`{}` cannot be read: {error}", path.display());
            Err(Error::new(ErrorKind::Config, message))
        }
    }
}

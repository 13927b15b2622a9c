use hybrid_core::{Error, ErrorKind, Result, Secret};
use serde_json::{Value, json};

use super::http::{Http, attempt};
use super::message::{Answered, Envelope, LoginData};
use crate::config::{Credentials, Settings};
use crate::error::{protocol, refused};
use crate::names;

/// The client whose protocol this is; the server looks at its version, and sends Arrow.
const SPOKEN: (&str, &str) = ("PythonConnector", "4.8.1");

/// A session's tokens.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) session: Secret,
    pub(super) master: Secret,
    /// After how many seconds without a sign of life the session ends.
    pub(super) validity: u64,
    pub(super) server: String,
}

/// Asks for a session. Sent again, it gives another session, and the first one ends by itself.
pub(super) async fn login(http: &Http, settings: &Settings) -> Result<Tokens> {
    let mut url = settings.base.clone();
    url.set_path("/session/v1/login-request");
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("databaseName", &names::quoted(&settings.database));
        query.append_pair("schemaName", &names::quoted(&settings.schema));
        for (name, value) in [("warehouse", &settings.warehouse), ("roleName", &settings.role)] {
            if let Some(value) = value {
                query.append_pair(name, &names::quoted(value));
            }
        }
    }
    let mut attempts = http.attempts();
    let body = loop {
        let mut url = url.clone();
        url.query_pairs_mut()
            .append_pair("request_id", &uuid::Uuid::new_v4().to_string());
        // A signed token counts for a minute: each attempt has its own.
        let proof = proof(http, settings).await?;
        let request = http.client.post(url).header("accept", "application/snowflake");
        match attempt(request.json(&request_of(settings, proof))).await {
            Ok(body) => break body,
            Err(trouble) => attempts.wait(trouble).await.map_err(known_account)?,
        }
    };
    let envelope: Envelope<LoginData> = serde_json::from_slice(&body).map_err(protocol)?;
    match envelope.answered() {
        Answered::Done(Some(data)) => tokens(data),
        Answered::Done(None) => Err(protocol("a login without data")),
        Answered::Failed(failure) => Err(refused(failure)),
    }
}

/// Whoever has no account is refused before anybody asks who it is.
fn known_account(error: Error) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::NotFound => error.with_help("check `account`"),
        _ => error,
    }
}

/// The fields that prove who asks.
async fn proof(http: &Http, settings: &Settings) -> Result<Vec<(&'static str, String)>> {
    let token = |authenticator: &str, token: &Secret| {
        vec![
            ("AUTHENTICATOR", authenticator.to_owned()),
            ("TOKEN", token.expose().to_owned()),
        ]
    };
    Ok(match &settings.credentials {
        Credentials::Password(password) => vec![("PASSWORD", password.expose().to_owned())],
        Credentials::KeyPair(pair) => {
            let user = settings.user.as_deref().unwrap_or_default();
            token("SNOWFLAKE_JWT", &pair.token(&settings.account, user)?)
        }
        Credentials::Token {
            authenticator,
            token: place,
        } => token(authenticator, &place.read().await?),
        Credentials::Client(client) => token("OAUTH", &client_token(http, client).await?),
    })
}

/// The account alone, as the server asks for it: without region, cloud and host.
fn account_name(account: &str) -> &str {
    let (name, rest) = account.split_once('.').unwrap_or((account, ""));
    match rest.split('.').next() {
        // Of an account that is served everywhere the name ends in an id of its own.
        Some("global") => name.rsplit_once('-').map_or(name, |(name, _)| name),
        _ => name,
    }
}

fn request_of(settings: &Settings, proof: Vec<(&'static str, String)>) -> Value {
    let mut data = json!({
        "CLIENT_APP_ID": SPOKEN.0,
        "CLIENT_APP_VERSION": SPOKEN.1,
        "ACCOUNT_NAME": account_name(&settings.account),
        "CLIENT_ENVIRONMENT": {
            "APPLICATION": "hybrid_offline_store",
            "OS": std::env::consts::OS,
            "OS_VERSION": std::env::consts::ARCH,
        },
        "SESSION_PARAMETERS": settings.session_parameters,
    });
    if let Some(fields) = data.as_object_mut() {
        fields.extend(
            settings
                .user
                .iter()
                .map(|user| ("LOGIN_NAME".to_owned(), user.as_str().into())),
        );
        fields.extend(proof.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    }
    json!({ "data": data })
}

fn tokens(data: LoginData) -> Result<Tokens> {
    if let Some(action) = data.next_action.filter(|_| data.token.is_none()) {
        let message = format!("the login waits for a person: {action}");
        return Err(Error::new(ErrorKind::Unauthenticated, message).with_help(
            "a user with a second factor or a password that must be changed cannot log in so: use a key pair or a token",
        ));
    }
    let session = data.token.ok_or_else(|| protocol("a login without a token"))?;
    Ok(Tokens {
        session: Secret::new(session),
        master: Secret::new(data.master_token.unwrap_or_default()),
        validity: data.master_validity_in_seconds.unwrap_or(14_400),
        server: data.server_version.unwrap_or_default(),
    })
}

/// A token for a client's secret.
async fn client_token(http: &Http, client: &crate::config::OauthClient) -> Result<Secret> {
    #[derive(serde::Deserialize)]
    struct Granted {
        access_token: String,
    }
    let mut form = reqwest::Url::parse("http://form/").map_err(protocol)?;
    form.query_pairs_mut()
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &client.scope);
    let form = form.query().unwrap_or_default().to_owned();
    let http = http.of("the server of `oauth_token_request_url`");
    let body = http
        .asked(|_| {
            let request = http.client.post(&client.url);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            request
                .basic_auth(&client.id, Some(client.secret.expose()))
                .body(form.clone())
        })
        .await?;
    let granted: Granted = serde_json::from_slice(&body).map_err(|_| {
        Error::new(
            ErrorKind::Unauthenticated,
            "`oauth_token_request_url` gave no access token",
        )
    })?;
    Ok(Secret::new(granted.access_token))
}

#[cfg(test)]
mod tests {
    use super::account_name;

    #[test]
    fn the_account_is_named_without_its_region() {
        for (account, name) in [
            ("xy12345", "xy12345"),
            ("my_org-my_account", "my_org-my_account"),
            ("xy12345.eu-central-1.aws", "xy12345"),
            ("xy12345-r4n9.global", "xy12345"),
            ("xy12345.snowflakecomputing.com", "xy12345"),
        ] {
            assert_eq!(account_name(account), name);
        }
    }
}

//! A primary and its standby, which end with the test.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hybrid_core::sql::SqlSession;
use hybrid_store_postgres::PostgresConfig;

use crate::common::{as_owner, config, fresh, pg_ctl, session, variable};

/// Makes both from one new cluster, with the programs in $1, in the folder $2, on the ports $3 and $4. A commit on the
/// primary waits until the standby shows it. The standby lets queries go on for $5 against what it has to replay.
const MAKE: &str = r#"
mkdir "$2"
"$1/initdb" -D "$2/primary" -U hybrid --pwfile="$2/../password" -A scram-sha-256 --no-sync --locale=C.UTF-8 -E UTF8
cat >>"$2/primary/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
wal_level = replica
fsync = off
autovacuum = off
shared_buffers = 32MB
max_standby_streaming_delay = $5
CONF
cp -Rp "$2/primary" "$2/standby"
cat >>"$2/primary/postgresql.conf" <<CONF
port = $3
synchronous_standby_names = '*'
synchronous_commit = remote_apply
CONF
cat >>"$2/standby/postgresql.conf" <<CONF
port = $4
primary_conninfo = 'host=127.0.0.1 port=$3 user=hybrid password=hybrid-secret'
CONF
touch "$2/standby/standby.signal"
"#;

pub struct Pair {
    dir: String,
    ports: [u16; 2],
}

impl Pair {
    /// A patient pair that tests which run at the same time have together: they do not disturb each other.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Pair>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pair) = shared.upgrade() {
            return pair;
        }
        let pair = Arc::new(Self::start("30s"));
        *shared = Arc::downgrade(&pair);
        pair
    }

    /// With what is waited for a query that is in the way of replay, as the server writes it.
    pub fn start(patience: &str) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let pair = Self {
            // Where this program is killed the folder goes with the engine's, and its servers then end by themselves.
            dir: format!("{}/{}", variable("HYBRID_POSTGRES_DIR"), fresh("pair")),
            ports: listeners.map(|listener| listener.local_addr().unwrap().port()),
        };
        let made = as_owner("sh")
            .args(["-euc", MAKE, "sh", &variable("HYBRID_POSTGRES_BIN"), &pair.dir])
            .args(pair.ports.map(|port| port.to_string()))
            .arg(patience)
            .status();
        assert!(made.unwrap().success());
        for cluster in ["primary", "standby"] {
            assert!(
                pg_ctl(&pair.cluster(cluster), &["start"]),
                "the {cluster} did not start"
            );
        }
        pair
    }

    fn cluster(&self, name: &str) -> String {
        format!("{}/{name}", self.dir)
    }

    pub fn primary(&self) -> PostgresConfig {
        at(self.ports[0])
    }

    pub fn standby(&self) -> PostgresConfig {
        at(self.ports[1])
    }

    /// Runs statements on one connection to the primary.
    pub async fn on_primary(&self, statements: &[&str]) {
        let session = session(self.primary()).await;
        for statement in statements {
            session.execute(statement).await.unwrap();
        }
        session.close().await.unwrap();
    }

    /// Makes a primary of the standby.
    pub fn promote(&self) {
        assert!(
            pg_ctl(&self.cluster("standby"), &["promote"]),
            "the standby was not promoted"
        );
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for cluster in ["standby", "primary"] {
            // Also after a start that failed.
            let _ = pg_ctl(&self.cluster(cluster), &["stop", "-m", "immediate"]);
        }
        let _ = as_owner("rm").args(["-rf", &self.dir]).status();
    }
}

fn at(port: u16) -> PostgresConfig {
    let mut config = config();
    (config.port, config.database) = (port, "postgres".to_owned());
    config
}

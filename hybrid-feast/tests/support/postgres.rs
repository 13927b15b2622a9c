//! A database of its own on the server that tests/engines/postgres.sh starts.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::{Client, NoTls};

fn variable(name: &str) -> String {
    std::env::var(format!("HYBRID_POSTGRES_{name}"))
        .unwrap_or_else(|_| panic!("HYBRID_POSTGRES_{name} is not set: tests/engines/with postgres -- COMMAND"))
}

/// Whether there is a server; says so where there is none.
pub fn is_there() -> bool {
    let there = std::env::var_os("HYBRID_POSTGRES_HOST").is_some();
    if !there {
        println!("did not run against Postgres: HYBRID_POSTGRES_HOST is not set");
    }
    there
}

/// A database that goes when this is told to.
pub struct Postgres {
    pub name: String,
}

impl Postgres {
    pub async fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("registry_{}_{number}", std::process::id());
        connect(&variable("DATABASE"))
            .await
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        Self { name }
    }

    /// Its address for `user`; `options` come behind the `?`.
    pub fn url_of(&self, user: &str, options: &str) -> String {
        let (password, host, port) = (variable("PASSWORD"), variable("HOST"), variable("PORT"));
        format!(
            "postgresql+psycopg://{user}:{password}@{host}:{port}/{}{options}",
            self.name
        )
    }

    pub fn url(&self) -> String {
        self.url_of(&variable("USER"), "")
    }

    /// A connection to look behind what is told.
    pub async fn connection(&self) -> Client {
        connect(&self.name).await
    }

    /// The file `name` among the server's certificates.
    pub fn certificate(name: &str) -> String {
        format!("{}/{name}", variable("DIR"))
    }

    pub async fn drop(self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        connect(&variable("DATABASE"))
            .await
            .batch_execute(&statement)
            .await
            .unwrap();
    }
}

async fn connect(database: &str) -> Client {
    let config = format!(
        "host={} port={} user={} password={} dbname={database}",
        variable("HOST"),
        variable("PORT"),
        variable("USER"),
        variable("PASSWORD")
    );
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

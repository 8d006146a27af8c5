//! Which keys belong to a database: those that open what is in it. Asked before anything is written.

use domain::Problem;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::ring::Keys;
use super::{Db, Key, SEALED, Stored, Tx};

/// What the server's own secrets are sealed for, behind their id.
const SUFFIX: &str = "/server-secret";
/// The secret that signs.
const SIGN: &str = "sign";

#[derive(FromQueryResult)]
struct Sample {
    id: String,
    value: Vec<u8>,
}

/// The keys of a database that was not brought up to date yet. Where nothing was ever sealed a first key is made.
///
/// # Errors
/// `storage/wrong-key` when they do not open what is in it, `storage/key-lost` when there are none; `storage/key…`.
pub async fn key_of(db: &Db, keys: &Keys) -> Result<Key, Problem> {
    let known = Key::load(keys)?;
    let mut is_empty = true;
    for column in SEALED {
        let sql = format!(
            "SELECT {} AS id, {} AS value FROM {} WHERE {} IS NOT NULL LIMIT 1",
            column.id, column.column, column.table, column.column
        );
        let look = db.look();
        let backend = look.db().get_database_backend();
        // A table that is not there yet has nothing in it.
        let sample = Sample::find_by_statement(Statement::from_string(backend, sql)).one(look.db()).await;
        let Ok(Some(sample)) = sample else { continue };
        is_empty = false;
        let Some(key) = &known else { break };
        if let Err(problem) = key.open_sealed(&format!("{}{}", sample.id, column.suffix), &sample.value) {
            let message = format!("The key {} does not open what is stored.", keys.place());
            return Err(Problem::conflict("storage/wrong-key", message)
                .advice("Put the key back that belongs to this data; nothing was changed.")
                .because(problem.cause.unwrap_or_default()));
        }
        // The server's own secret stands for all of them.
        if column.suffix == SUFFIX {
            break;
        }
    }
    match known {
        Some(key) => Ok(key),
        None if is_empty => Key::make(keys),
        None => Err(Problem::conflict(
            "storage/key-lost",
            format!("What is stored is sealed, and its key {} is gone.", keys.place()),
        )
        .advice("Put the key back from where a copy of it is kept; nothing was changed.")),
    }
}

/// The same keys, signing with the database's own secret, which is made once.
///
/// # Errors
/// `storage/…`.
pub async fn signing(db: &Db, key: Key) -> Result<Key, Problem> {
    if let Some(key) = signing_known(&db.look(), key.clone()).await? {
        return Ok(key);
    }
    let secret = key.first_signing()?;
    let tx = db.write().await?;
    let backend = tx.db().get_database_backend();
    let sql = match backend {
        sea_orm::DbBackend::Postgres => "INSERT INTO server_secrets (id, sealed) VALUES ($1, $2)",
        _ => "INSERT INTO server_secrets (id, sealed) VALUES (?, ?)",
    };
    let values = [Value::from(SIGN), Value::from(key.seal(&format!("{SIGN}{SUFFIX}"), &secret)?)];
    tx.db().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.stored()?;
    tx.commit().await?;
    Ok(key.signing_with(&secret))
}

/// The same, unless the database has no such secret yet.
///
/// # Errors
/// `storage/…`.
pub async fn signing_known(tx: &Tx, key: Key) -> Result<Option<Key>, Problem> {
    let backend = tx.db().get_database_backend();
    let sql = format!("SELECT id, sealed AS value FROM server_secrets WHERE id = '{SIGN}'");
    let found = Sample::find_by_statement(Statement::from_string(backend, sql)).one(tx.db()).await.stored()?;
    let secret = found.map(|found| key.open_sealed(&format!("{SIGN}{SUFFIX}"), &found.value)).transpose()?;
    Ok(secret.map(|secret| key.signing_with(&secret)))
}

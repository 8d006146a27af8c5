//! Variables of one owner: a workspace or a variable set. Whether the actor may is asked by the caller.

use domain::Problem;
use domain::id::VariableId;

use super::store::{self, Model as Variable};
use crate::app::App;
use crate::storage::Tx;

/// Longest value in bytes (HCP Terraform's limit is 256 KB).
const VALUE: usize = 256 * 1024;

/// A variable as somebody sends it; in an edit `None` leaves things as they are.
#[derive(Default, Clone)]
pub struct Settings {
    /// Name.
    pub key: Option<String>,
    /// Value in clear.
    pub value: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `terraform` or `env`.
    pub category: Option<String>,
    /// The value is an HCL expression.
    pub hcl: Option<bool>,
    /// The value is never shown again.
    pub sensitive: Option<bool>,
}

/// A variable with its value, as a person may see it.
pub struct Shown {
    /// The variable.
    pub variable: Variable,
    /// Its value; `None` when it is sensitive.
    pub value: Option<String>,
}

/// Makes a variable.
///
/// # Errors
/// `variable/key`, `variable/taken`, `variable/category`, `variable/value`.
pub async fn create(app: &App, tx: &Tx, owner: &str, settings: Settings) -> Result<Shown, Problem> {
    let mut variable = Variable {
        id: app.ports.id::<VariableId>().to_string(),
        owner_id: owner.to_owned(),
        key: String::new(),
        value: Vec::new(),
        description: String::new(),
        category: "terraform".into(),
        hcl: false,
        sensitive: false,
        version_id: String::new(),
        created_at: app.ports.now(),
    };
    let settings = Settings { value: settings.value.or_else(|| Some(String::new())), ..settings };
    change(app, tx, &mut variable, settings).await?;
    store::insert(tx, &variable).await?;
    shown(app, variable)
}

/// One variable of an owner.
///
/// # Errors
/// `variable/not-found`.
pub async fn read(app: &App, tx: &Tx, owner: &str, id: &str) -> Result<Shown, Problem> {
    shown(app, find(tx, owner, id).await?)
}

/// Variables of an owner by key.
pub async fn list(app: &App, tx: &Tx, owner: &str) -> Result<Vec<Shown>, Problem> {
    store::of(tx, owner).await?.into_iter().map(|variable| shown(app, variable)).collect()
}

/// Changes a variable. A sensitive one stays sensitive.
///
/// # Errors
/// As [`create`]; `variable/sensitive`, `variable/not-found`.
pub async fn update(app: &App, tx: &Tx, owner: &str, id: &str, settings: Settings) -> Result<Shown, Problem> {
    let mut variable = find(tx, owner, id).await?;
    change(app, tx, &mut variable, settings).await?;
    store::update(tx, &variable).await?;
    shown(app, variable)
}

/// Removes a variable.
///
/// # Errors
/// `variable/not-found`.
pub async fn delete(tx: &Tx, owner: &str, id: &str) -> Result<(), Problem> {
    let variable = find(tx, owner, id).await?;
    store::delete(tx, &variable.id).await
}

/// The value of a variable in clear, for runs alone.
pub(super) fn clear(app: &App, variable: &Variable) -> Result<String, Problem> {
    let bytes = app.key.open_sealed(&variable.id, &variable.value)?;
    String::from_utf8(bytes).map_err(|error| Problem::ours("variable/value", "A stored value is not text.", error))
}

pub(super) fn shown(app: &App, variable: Variable) -> Result<Shown, Problem> {
    let value = if variable.sensitive { None } else { Some(clear(app, &variable)?) };
    Ok(Shown { variable, value })
}

async fn change(app: &App, tx: &Tx, variable: &mut Variable, settings: Settings) -> Result<(), Problem> {
    if variable.sensitive && settings.sensitive == Some(false) {
        return Err(Problem::invalid("variable/sensitive", "A sensitive variable stays sensitive.")
            .advice("Delete it and make a new one.")
            .attribute("sensitive"));
    }
    if let Some(key) = settings.key {
        variable.key = key;
    }
    if variable.key.is_empty() || variable.key.len() > 255 || variable.key.contains(['=', '\0', '\n']) {
        return Err(Problem::invalid("variable/key", "Key must be 1 to 255 characters without \"=\" or line breaks.")
            .advice("Give the variable another name.")
            .attribute("key"));
    }
    if let Some(category) = settings.category {
        if !matches!(category.as_str(), "terraform" | "env") {
            return Err(Problem::invalid("variable/category", "Category must be \"terraform\" or \"env\".")
                .advice("Use one of the two.")
                .attribute("category"));
        }
        variable.category = category;
    }
    variable.description = settings.description.unwrap_or(std::mem::take(&mut variable.description));
    variable.hcl = settings.hcl.unwrap_or(variable.hcl);
    variable.sensitive = settings.sensitive.unwrap_or(variable.sensitive);
    if let Some(value) = settings.value {
        if value.len() > VALUE || value.contains('\0') {
            return Err(Problem::invalid("variable/value", "Value is longer than 256 KB or has a zero byte.")
                .advice("Shorten the value.")
                .attribute("value"));
        }
        variable.value = app.key.seal(&variable.id, value.as_bytes())?;
    }
    variable.version_id = app.ports.randomness.characters(domain::id::LENGTH);
    let same = store::of(tx, &variable.owner_id).await?;
    if same.iter().any(|it| it.id != variable.id && it.key == variable.key && it.category == variable.category) {
        return Err(Problem::invalid("variable/taken", "Key has already been taken.")
            .advice("Change the variable that is there.")
            .attribute("key"));
    }
    Ok(())
}

async fn find(tx: &Tx, owner: &str, id: &str) -> Result<Variable, Problem> {
    store::by_id(tx, id).await?.filter(|it| it.owner_id == owner).ok_or_else(|| {
        Problem::not_found("variable/not-found", "There is no such variable here.").advice("Check its id.")
    })
}

//! What a workspace has on its server that goes into its runs: settings, variables, and those of its variable sets. A server
//! shows no secret, but a version of each variable that is another when it was changed.

use client::{Item, encoded};
use domain::Problem;
use serde_json::{Value, json};

use super::Remote;

impl Remote<'_> {
    /// All of it as one digest.
    pub(super) async fn settings_of(&self, workspace: &Item) -> Result<String, Problem> {
        let id = encoded(&workspace.id);
        let variables = self.variables_at(&format!("workspaces/{id}/vars")).await?;
        let mut sets = Vec::new();
        for set in self.client.list::<Item>(&format!("workspaces/{id}/varsets")).await? {
            let known = self.sets.lock().await.get(&set.id).cloned();
            let variables = match known {
                Some(variables) => variables,
                None => {
                    let found = self.variables_at(&format!("varsets/{}/relationships/vars", encoded(&set.id))).await?;
                    self.sets.lock().await.insert(set.id.clone(), found.clone());
                    found
                }
            };
            sets.push(json!([set.id, set.get("priority"), variables]));
        }
        sets.sort_by_key(Value::to_string);
        let own = ["terraform-version", "execution-mode", "working-directory"].map(|name| workspace.get(name).clone());
        Ok(self.memory.digest(&format!("settings:{}", json!([own, variables, sets]))))
    }

    async fn variables_at(&self, path: &str) -> Result<Value, Problem> {
        let mut all = self.client.list::<Item>(path).await?;
        all.sort_by(|one, other| one.id.cmp(&other.id));
        let told = |it: &Item| {
            let said = ["key", "value", "category", "hcl", "version-id"].map(|name| it.get(name).clone());
            json!([it.id, said])
        };
        Ok(all.iter().map(told).collect())
    }
}

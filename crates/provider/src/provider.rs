//! [`Provider`]: answers Terraform's calls by asking the resource that is meant.
//!
//! What every resource needs is done here: values are decoded and brought into the schema's shape, a plan is made from
//! the schema, nothing unknown and nothing write-only is left in a state. Absent: what a particular type does.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use client::settings::Given;
use client::{Client, Settings};
use domain::{Fault, Problem};
use tokio_util::sync::CancellationToken;

use crate::protocol::diagnostics::{any_error, error, of_problem};
use crate::protocol::messages::{self as m, Diagnostic, DynamicValue};
use crate::protocol::plan;
use crate::protocol::schema::{Block, flag, schema, text};
use crate::protocol::value::{Map, Value};
use crate::resources;

/// What a resource can reach.
pub struct Context {
    client: Mutex<Option<std::sync::Arc<Client>>>,
    /// Cancelled when the person interrupts Terraform.
    pub stop: CancellationToken,
    /// Runs that a resource of this process looks after, so that another does not take them for abandoned.
    pub looked_after: Mutex<std::collections::BTreeSet<String>>,
}

impl Context {
    /// The connection.
    ///
    /// # Errors
    /// Before the provider is configured, or when its arguments are not known yet.
    pub fn client(&self) -> Result<std::sync::Arc<Client>, Problem> {
        let client = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        client.ok_or_else(|| {
            Problem::new(Fault::Unavailable, "provider/unconfigured", "the provider's arguments are not known yet")
                .advice("Give the provider values that do not depend on resources of the same configuration.")
        })
    }

    /// The organization that a resource names, or else the provider's.
    ///
    /// # Errors
    /// When neither names one.
    pub fn organization(&self, said: Option<&str>) -> Result<String, Problem> {
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            return Ok(said.to_owned());
        }
        self.client()?.settings().organization.clone().ok_or_else(|| {
            Problem::invalid("provider/no-organization", "no organization was specified on the resource or provider")
                .advice("Set organization on either, or TFE_ORGANIZATION.")
        })
    }
}

/// A change that is being carried out.
pub struct Change {
    /// What is there; `None` for a create.
    pub prior: Option<Map>,
    /// What was planned; unknown where the server decides. Empty for a delete.
    pub planned: Map,
    /// What the configuration says; the only place of write-only values. Empty for a delete.
    pub config: Map,
    /// What there is afterwards; begins as `prior`.
    pub state: Option<Map>,
    /// The resource's own notes, kept with the state.
    pub private: Vec<u8>,
    /// What the person is told.
    pub told: Vec<Diagnostic>,
}

/// A plan that is being made.
pub struct Plan<'a> {
    /// What is there; `None` for a create.
    pub prior: Option<&'a Map>,
    /// What the configuration says.
    pub config: &'a Map,
    /// What is planned; `None` for a delete.
    pub state: Option<Map>,
    /// The resource's own notes.
    pub private: Vec<u8>,
    /// What the person is told.
    pub told: Vec<Diagnostic>,
}

/// A type of resource.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;
    /// Version of its schema.
    fn version(&self) -> i64 {
        0
    }
    /// Its schema.
    fn block(&self) -> Block;
    /// What is wrong with a configuration; unknown values must pass.
    fn validate(&self, _config: &Map, _told: &mut Vec<Diagnostic>) {}
    /// Refines the plan that the schema gives.
    async fn plan(&self, _context: &Context, _plan: &mut Plan<'_>) {}
    /// Makes it: sets `change.state`.
    async fn create(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic>;
    /// What is there now; `None` when it is gone.
    async fn read(&self, context: &Context, state: Map, private: &mut Vec<u8>) -> Result<Option<Map>, Diagnostic>;
    /// Changes it: sets `change.state`.
    async fn update(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic>;
    /// Takes it away; a success empties the state.
    async fn delete(&self, context: &Context, change: &mut Change) -> Result<(), Diagnostic>;
    /// The state that a read completes, from what stands behind `terraform import`.
    async fn import(&self, _context: &Context, _id: &str) -> Result<Map, Diagnostic> {
        Err(error(format!("resource {} does not support import", self.name()), ""))
    }
    /// Brings a state of an older schema, or of another type that is moved here, into this one's shape.
    fn upgrade(&self, _from: &str, _version: i64, state: Map) -> Option<Map> {
        Some(state)
    }
    /// Types whose state this one takes over by `moved`.
    fn takes_over(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A type of data source, or of ephemeral resource.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;
    /// Its schema.
    fn block(&self) -> Block;
    /// What is wrong with a configuration; unknown values must pass.
    fn validate(&self, _config: &Map, _told: &mut Vec<Diagnostic>) {}
    /// Reads it. `state` begins as the configuration.
    async fn read(&self, context: &Context, state: Map) -> Result<Map, Diagnostic>;
}

/// The provider with all its types.
pub struct Provider {
    context: Context,
    resources: BTreeMap<&'static str, Box<dyn Resource>>,
    data_sources: BTreeMap<&'static str, Box<dyn DataSource>>,
    ephemerals: BTreeMap<&'static str, Box<dyn DataSource>>,
}

fn own_block() -> Block {
    Block::of([
        text("hostname", "Host, and port where there is one. Default: TFE_HOSTNAME, or app.terraform.io."),
        text("token", "API token. Default: TFE_TOKEN, or what terraform login wrote.").sensitive(),
        text("organization", "Organization of resources that name none. Default: TFE_ORGANIZATION."),
        flag("ssl_skip_verify", "Whether certificates go unchecked. Default: TFE_SSL_SKIP_VERIFY, or false."),
    ])
}

impl Provider {
    /// The provider, not yet configured.
    pub fn new() -> Self {
        let context =
            Context { client: Mutex::default(), stop: CancellationToken::new(), looked_after: Mutex::default() };
        let data = |all: Vec<Box<dyn DataSource>>| all.into_iter().map(|one| (one.name(), one)).collect();
        Self {
            context,
            resources: resources::resources().into_iter().map(|one| (one.name(), one)).collect(),
            data_sources: data(resources::data_sources()),
            ephemerals: data(resources::ephemerals()),
        }
    }

    fn resource(&self, name: &str) -> Result<&dyn Resource, Diagnostic> {
        let found = self.resources.get(name).map(AsRef::as_ref);
        found.ok_or_else(|| error(format!("there is no resource type {name}"), ""))
    }

    pub(crate) async fn metadata(self: std::sync::Arc<Self>, _: m::Empty) -> m::GetMetadataResponse {
        let names = |names: Vec<&&'static str>| {
            names.into_iter().map(|name| m::TypeName { type_name: (*name).to_owned() }).collect()
        };
        m::GetMetadataResponse {
            server_capabilities: Some(capabilities()),
            data_sources: names(self.data_sources.keys().collect()),
            resources: names(self.resources.keys().collect()),
            ephemeral_resources: names(self.ephemerals.keys().collect()),
        }
    }

    pub(crate) async fn schema(self: std::sync::Arc<Self>, _: m::Empty) -> m::GetProviderSchemaResponse {
        let of_data = |all: &BTreeMap<&'static str, Box<dyn DataSource>>| {
            all.iter().map(|(name, one)| ((*name).to_owned(), schema(0, &one.block()))).collect()
        };
        m::GetProviderSchemaResponse {
            provider: Some(schema(0, &own_block())),
            resource_schemas: self
                .resources
                .iter()
                .map(|(name, one)| ((*name).to_owned(), schema(one.version(), &one.block())))
                .collect(),
            data_source_schemas: of_data(&self.data_sources),
            diagnostics: Vec::new(),
            server_capabilities: Some(capabilities()),
            ephemeral_resource_schemas: of_data(&self.ephemerals),
        }
    }

    pub(crate) async fn validate_provider(
        self: std::sync::Arc<Self>,
        _: m::ValidateProviderConfigRequest,
    ) -> m::ValidateProviderConfigResponse {
        m::ValidateProviderConfigResponse::default()
    }

    pub(crate) async fn validate_resource(
        self: std::sync::Arc<Self>,
        ask: m::ValidateConfigRequest,
    ) -> m::DiagnosticsResponse {
        let mut told = Vec::new();
        match (self.resource(&ask.type_name), decode(ask.config.as_ref())) {
            (Ok(resource), Ok(Some(config))) => {
                resource.block().wrong(&config, &[], &mut told);
                resource.validate(&config, &mut told);
            }
            (Err(problem), _) | (_, Err(problem)) => told.push(problem),
            (Ok(_), Ok(None)) => {}
        }
        m::DiagnosticsResponse { diagnostics: told }
    }

    pub(crate) async fn validate_other(
        self: std::sync::Arc<Self>,
        ask: m::ValidateConfigRequest,
    ) -> m::DiagnosticsResponse {
        let mut told = Vec::new();
        let name = ask.type_name.as_str();
        let found = self.data_sources.get(name).or_else(|| self.ephemerals.get(name));
        if let (Some(found), Ok(Some(config))) = (found, decode(ask.config.as_ref())) {
            found.validate(&config, &mut told);
        }
        m::DiagnosticsResponse { diagnostics: told }
    }

    pub(crate) async fn configure(
        self: std::sync::Arc<Self>,
        ask: m::ConfigureProviderRequest,
    ) -> m::DiagnosticsResponse {
        let told = self.connect(ask.config.as_ref()).err();
        m::DiagnosticsResponse { diagnostics: told.into_iter().collect() }
    }

    fn connect(&self, config: Option<&DynamicValue>) -> Result<(), Diagnostic> {
        let config = decode(config)?.unwrap_or_default();
        if config.values().any(Value::is_unknown) {
            return Ok(());
        }
        let text = |name: &str| config.get(name).and_then(Value::as_text).map(str::to_owned);
        let given = Given {
            hostname: text("hostname"),
            token: text("token"),
            organization: text("organization"),
            ssl_skip_verify: config.get("ssl_skip_verify").and_then(Value::as_bool),
        };
        let settings = Settings::resolve(given, &|name| std::env::var(name).ok());
        let client =
            settings.and_then(Client::new).map_err(|problem| of_problem("configuring the provider", &problem))?;
        let client = client.stopped_by(self.context.stop.clone());
        *self.context.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(client.into());
        Ok(())
    }

    pub(crate) async fn stop(self: std::sync::Arc<Self>, _: m::Empty) -> m::StopProviderResponse {
        self.interrupt();
        m::StopProviderResponse::default()
    }

    /// Ends every wait, now and from now on.
    pub fn interrupt(&self) {
        self.context.stop.cancel();
    }

    pub(crate) async fn upgrade(
        self: std::sync::Arc<Self>,
        ask: m::UpgradeResourceStateRequest,
    ) -> m::UpgradeResourceStateResponse {
        let json = ask.raw_state.map(|raw| raw.json).unwrap_or_default();
        let upgraded = self.resource(&ask.type_name).and_then(|resource| {
            let state = resource.upgrade(&ask.type_name, ask.version, state_of_json(&json)?);
            Ok(state.map(|state| resource.block().shaped(state)))
        });
        match upgraded {
            Ok(state) => {
                m::UpgradeResourceStateResponse { upgraded_state: Some(encode(state)), diagnostics: Vec::new() }
            }
            Err(problem) => m::UpgradeResourceStateResponse { upgraded_state: None, diagnostics: vec![problem] },
        }
    }

    pub(crate) async fn read(self: std::sync::Arc<Self>, ask: m::ReadResourceRequest) -> m::ReadResourceResponse {
        let mut private = ask.private;
        let read = async {
            let resource = self.resource(&ask.type_name)?;
            let Some(state) = decode(ask.current_state.as_ref())? else { return Ok(None) };
            let state = resource.read(&self.context, state, &mut private).await?;
            Ok(state.map(|state| resource.block().shaped(state)))
        };
        match read.await {
            Ok(state) => m::ReadResourceResponse { new_state: Some(encode(state)), diagnostics: Vec::new(), private },
            Err(problem) => {
                m::ReadResourceResponse { new_state: ask.current_state, diagnostics: vec![problem], private }
            }
        }
    }

    pub(crate) async fn plan(
        self: std::sync::Arc<Self>,
        ask: m::PlanResourceChangeRequest,
    ) -> m::PlanResourceChangeResponse {
        let planned = async {
            let resource = self.resource(&ask.type_name)?;
            let prior = decode(ask.prior_state.as_ref())?;
            let config = decode(ask.config.as_ref())?.unwrap_or_default();
            let wanted = decode(ask.proposed_new_state.as_ref())?.is_some();
            let by_schema = wanted.then(|| plan::plan(&resource.block(), prior.as_ref(), &config));
            let (state, replaces) = by_schema.map_or((None, Vec::new()), |plan| (Some(plan.state), plan.replaces));
            let mut plan =
                Plan { prior: prior.as_ref(), config: &config, state, private: ask.prior_private, told: Vec::new() };
            resource.plan(&self.context, &mut plan).await;
            Ok(m::PlanResourceChangeResponse {
                planned_state: Some(encode(plan.state)),
                requires_replace: replaces,
                planned_private: plan.private,
                diagnostics: plan.told,
            })
        };
        let problem = |problem| m::PlanResourceChangeResponse { diagnostics: vec![problem], ..Default::default() };
        planned.await.unwrap_or_else(problem)
    }

    pub(crate) async fn apply(
        self: std::sync::Arc<Self>,
        ask: m::ApplyResourceChangeRequest,
    ) -> m::ApplyResourceChangeResponse {
        let applied = async {
            let resource = self.resource(&ask.type_name)?;
            let prior = decode(ask.prior_state.as_ref())?;
            let planned = decode(ask.planned_state.as_ref())?;
            let is_delete = planned.is_none();
            let mut change = Change {
                state: prior.clone(),
                prior,
                planned: planned.unwrap_or_default(),
                config: decode(ask.config.as_ref())?.unwrap_or_default(),
                private: ask.planned_private,
                told: Vec::new(),
            };
            let done = match (&change.prior, is_delete) {
                (_, true) => resource.delete(&self.context, &mut change).await,
                (None, false) => resource.create(&self.context, &mut change).await,
                (Some(_), false) => resource.update(&self.context, &mut change).await,
            };
            match done {
                Ok(()) if is_delete => change.state = None,
                Ok(()) => {}
                Err(problem) => change.told.push(problem),
            }
            if !any_error(&change.told) && !is_delete && change.state.is_none() {
                change
                    .told
                    .push(error("the provider lost the new state", "This is a fault of the provider: report it."));
            }
            let state = change.state.map(|state| known(resource.block().shaped(state)));
            Ok(m::ApplyResourceChangeResponse {
                new_state: Some(encode(state)),
                private: change.private,
                diagnostics: change.told,
            })
        };
        let problem = |problem| m::ApplyResourceChangeResponse {
            new_state: ask.prior_state.clone(),
            private: Vec::new(),
            diagnostics: vec![problem],
        };
        applied.await.unwrap_or_else(problem)
    }

    pub(crate) async fn import(
        self: std::sync::Arc<Self>,
        ask: m::ImportResourceStateRequest,
    ) -> m::ImportResourceStateResponse {
        let imported = async {
            let resource = self.resource(&ask.type_name)?;
            Ok(resource.block().shaped(resource.import(&self.context, &ask.id).await?))
        };
        match imported.await {
            Ok(state) => {
                let state = Some(encode(Some(state)));
                let one = m::ImportedResource { type_name: ask.type_name, state, private: Vec::new() };
                m::ImportResourceStateResponse { imported_resources: vec![one], diagnostics: Vec::new() }
            }
            Err(problem) => m::ImportResourceStateResponse { diagnostics: vec![problem], ..Default::default() },
        }
    }

    pub(crate) async fn move_state(
        self: std::sync::Arc<Self>,
        ask: m::MoveResourceStateRequest,
    ) -> m::MoveResourceStateResponse {
        let moved = || {
            let resource = self.resource(&ask.target_type_name)?;
            let source = ask.source_type_name.as_str();
            let refused = || error(format!("{source} cannot be moved to {}", resource.name()), "Import it instead.");
            if source != resource.name() && !resource.takes_over().contains(&source) {
                return Err(refused());
            }
            let json = ask.source_state.clone().map(|raw| raw.json).unwrap_or_default();
            let state =
                resource.upgrade(source, ask.source_schema_version, state_of_json(&json)?).ok_or_else(refused)?;
            Ok(resource.block().shaped(state))
        };
        match moved() {
            Ok(state) => {
                m::MoveResourceStateResponse { target_state: Some(encode(Some(state))), diagnostics: Vec::new() }
            }
            Err(problem) => m::MoveResourceStateResponse { target_state: None, diagnostics: vec![problem] },
        }
    }

    pub(crate) async fn read_data(
        self: std::sync::Arc<Self>,
        ask: m::ValidateConfigRequest,
    ) -> m::ReadDataSourceResponse {
        match self.look_up(&self.data_sources, &ask).await {
            Ok(state) => m::ReadDataSourceResponse { state: Some(encode(Some(state))), diagnostics: Vec::new() },
            Err(problem) => m::ReadDataSourceResponse { state: None, diagnostics: vec![problem] },
        }
    }

    pub(crate) async fn open(
        self: std::sync::Arc<Self>,
        ask: m::ValidateConfigRequest,
    ) -> m::OpenEphemeralResourceResponse {
        match self.look_up(&self.ephemerals, &ask).await {
            Ok(state) => {
                m::OpenEphemeralResourceResponse { result: Some(encode(Some(state))), diagnostics: Vec::new() }
            }
            Err(problem) => m::OpenEphemeralResourceResponse { result: None, diagnostics: vec![problem] },
        }
    }

    async fn look_up(
        &self,
        among: &BTreeMap<&'static str, Box<dyn DataSource>>,
        ask: &m::ValidateConfigRequest,
    ) -> Result<Map, Diagnostic> {
        let found = among.get(ask.type_name.as_str());
        let found = found.ok_or_else(|| error(format!("there is no type {}", ask.type_name), ""))?;
        let state = found.read(&self.context, decode(ask.config.as_ref())?.unwrap_or_default()).await?;
        Ok(known(found.block().shaped(state)))
    }

    pub(crate) async fn close(self: std::sync::Arc<Self>, _: m::Empty) -> m::DiagnosticsResponse {
        m::DiagnosticsResponse::default()
    }
}

fn capabilities() -> m::ServerCapabilities {
    m::ServerCapabilities { plan_destroy: true, get_provider_schema_optional: true, move_resource_state: true }
}

fn decode(value: Option<&DynamicValue>) -> Result<Option<Map>, Diagnostic> {
    let Some(value) = value else { return Ok(None) };
    let decoded = if value.json.is_empty() {
        Value::decode(&value.msgpack)
    } else {
        serde_json::from_slice(&value.json).map(|json: serde_json::Value| Value::from(&json)).map_err(|e| e.to_string())
    };
    match decoded {
        Ok(Value::Map(map)) => Ok(Some(map)),
        Ok(Value::Null) => Ok(None),
        Ok(_) => Err(error("Terraform sent a value that is no object", "")),
        Err(reason) => Err(error("Terraform sent a value that cannot be read", reason)),
    }
}

fn encode(state: Option<Map>) -> DynamicValue {
    let value = state.map_or(Value::Null, Value::Map);
    DynamicValue { msgpack: value.encode(), json: Vec::new() }
}

fn state_of_json(json: &[u8]) -> Result<Map, Diagnostic> {
    match serde_json::from_slice::<serde_json::Value>(json).map(|json| Value::from(&json)) {
        Ok(Value::Map(map)) => Ok(map),
        _ => Err(error("the state of this resource cannot be read", "It is no JSON object.")),
    }
}

/// The same without anything unknown: what nobody said until now is null.
fn known(map: Map) -> Map {
    fn of(value: Value) -> Value {
        match value {
            Value::Unknown(..) => Value::Null,
            Value::List(list) => Value::List(list.into_iter().map(of).collect()),
            Value::Map(map) => Value::Map(known(map)),
            value => value,
        }
    }
    map.into_iter().map(|(key, value)| (key, of(value))).collect()
}

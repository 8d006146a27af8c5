//! The messages of Terraform's plugin protocol 6.8, by hand: names and field numbers are the protocol's own.
//!
//! Fields that this provider never reads or writes are left out; protobuf skips what a reader does not know. Absent:
//! provider metadata, deferred actions and functions.

#![allow(missing_docs, reason = "the names are those of the protocol, which documents them")]

use std::collections::HashMap;

use prost::{Enumeration, Message, Oneof};

macro_rules! messages {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $ty:ty,)* })*) => {$(
        #[derive(Clone, PartialEq, Message)]
        pub struct $name { $($(#[$meta])* pub $field: $ty,)* }
    )*};
}

messages! {
    DynamicValue {
        #[prost(bytes = "vec", tag = "1")] msgpack: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")] json: Vec<u8>,
    }
    Diagnostic {
        #[prost(enumeration = "Severity", tag = "1")] severity: i32,
        #[prost(string, tag = "2")] summary: String,
        #[prost(string, tag = "3")] detail: String,
        #[prost(message, optional, tag = "4")] attribute: Option<AttributePath>,
    }
    AttributePath { #[prost(message, repeated, tag = "1")] steps: Vec<Step>, }
    Step { #[prost(oneof = "Selector", tags = "1, 2, 3")] selector: Option<Selector>, }
    RawState { #[prost(bytes = "vec", tag = "1")] json: Vec<u8>, }

    Schema {
        #[prost(int64, tag = "1")] version: i64,
        #[prost(message, optional, tag = "2")] block: Option<Block>,
    }
    Block {
        #[prost(int64, tag = "1")] version: i64,
        #[prost(message, repeated, tag = "2")] attributes: Vec<Attribute>,
        #[prost(message, repeated, tag = "3")] block_types: Vec<NestedBlock>,
        #[prost(string, tag = "4")] description: String,
        #[prost(bool, tag = "6")] deprecated: bool,
    }
    Attribute {
        #[prost(string, tag = "1")] name: String,
        #[prost(bytes = "vec", tag = "2")] r#type: Vec<u8>,
        #[prost(string, tag = "3")] description: String,
        #[prost(bool, tag = "4")] required: bool,
        #[prost(bool, tag = "5")] optional: bool,
        #[prost(bool, tag = "6")] computed: bool,
        #[prost(bool, tag = "7")] sensitive: bool,
        #[prost(bool, tag = "9")] deprecated: bool,
        #[prost(bool, tag = "11")] write_only: bool,
    }
    NestedBlock {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(message, optional, tag = "2")] block: Option<Block>,
        #[prost(enumeration = "Nesting", tag = "3")] nesting: i32,
        #[prost(int64, tag = "4")] min_items: i64,
        #[prost(int64, tag = "5")] max_items: i64,
    }
    ServerCapabilities {
        #[prost(bool, tag = "1")] plan_destroy: bool,
        #[prost(bool, tag = "2")] get_provider_schema_optional: bool,
        #[prost(bool, tag = "3")] move_resource_state: bool,
    }

    Empty {}
    TypeName { #[prost(string, tag = "1")] type_name: String, }
    GetMetadataResponse {
        #[prost(message, optional, tag = "1")] server_capabilities: Option<ServerCapabilities>,
        #[prost(message, repeated, tag = "3")] data_sources: Vec<TypeName>,
        #[prost(message, repeated, tag = "4")] resources: Vec<TypeName>,
        #[prost(message, repeated, tag = "6")] ephemeral_resources: Vec<TypeName>,
    }
    GetProviderSchemaResponse {
        #[prost(message, optional, tag = "1")] provider: Option<Schema>,
        #[prost(map = "string, message", tag = "2")] resource_schemas: HashMap<String, Schema>,
        #[prost(map = "string, message", tag = "3")] data_source_schemas: HashMap<String, Schema>,
        #[prost(message, repeated, tag = "4")] diagnostics: Vec<Diagnostic>,
        #[prost(message, optional, tag = "6")] server_capabilities: Option<ServerCapabilities>,
        #[prost(map = "string, message", tag = "8")] ephemeral_resource_schemas: HashMap<String, Schema>,
    }
    ValidateProviderConfigRequest { #[prost(message, optional, tag = "1")] config: Option<DynamicValue>, }
    ValidateProviderConfigResponse { #[prost(message, repeated, tag = "2")] diagnostics: Vec<Diagnostic>, }
    ValidateConfigRequest {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(message, optional, tag = "2")] config: Option<DynamicValue>,
    }
    DiagnosticsResponse { #[prost(message, repeated, tag = "1")] diagnostics: Vec<Diagnostic>, }
    ConfigureProviderRequest {
        #[prost(string, tag = "1")] terraform_version: String,
        #[prost(message, optional, tag = "2")] config: Option<DynamicValue>,
    }
    StopProviderResponse { #[prost(string, tag = "1")] error: String, }
    UpgradeResourceStateRequest {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(int64, tag = "2")] version: i64,
        #[prost(message, optional, tag = "3")] raw_state: Option<RawState>,
    }
    UpgradeResourceStateResponse {
        #[prost(message, optional, tag = "1")] upgraded_state: Option<DynamicValue>,
        #[prost(message, repeated, tag = "2")] diagnostics: Vec<Diagnostic>,
    }
    ReadResourceRequest {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(message, optional, tag = "2")] current_state: Option<DynamicValue>,
        #[prost(bytes = "vec", tag = "3")] private: Vec<u8>,
    }
    ReadResourceResponse {
        #[prost(message, optional, tag = "1")] new_state: Option<DynamicValue>,
        #[prost(message, repeated, tag = "2")] diagnostics: Vec<Diagnostic>,
        #[prost(bytes = "vec", tag = "3")] private: Vec<u8>,
    }
    PlanResourceChangeRequest {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(message, optional, tag = "2")] prior_state: Option<DynamicValue>,
        #[prost(message, optional, tag = "3")] proposed_new_state: Option<DynamicValue>,
        #[prost(message, optional, tag = "4")] config: Option<DynamicValue>,
        #[prost(bytes = "vec", tag = "5")] prior_private: Vec<u8>,
    }
    PlanResourceChangeResponse {
        #[prost(message, optional, tag = "1")] planned_state: Option<DynamicValue>,
        #[prost(message, repeated, tag = "2")] requires_replace: Vec<AttributePath>,
        #[prost(bytes = "vec", tag = "3")] planned_private: Vec<u8>,
        #[prost(message, repeated, tag = "4")] diagnostics: Vec<Diagnostic>,
    }
    ApplyResourceChangeRequest {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(message, optional, tag = "2")] prior_state: Option<DynamicValue>,
        #[prost(message, optional, tag = "3")] planned_state: Option<DynamicValue>,
        #[prost(message, optional, tag = "4")] config: Option<DynamicValue>,
        #[prost(bytes = "vec", tag = "5")] planned_private: Vec<u8>,
    }
    ApplyResourceChangeResponse {
        #[prost(message, optional, tag = "1")] new_state: Option<DynamicValue>,
        #[prost(bytes = "vec", tag = "2")] private: Vec<u8>,
        #[prost(message, repeated, tag = "3")] diagnostics: Vec<Diagnostic>,
    }
    ImportResourceStateRequest {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(string, tag = "2")] id: String,
    }
    ImportedResource {
        #[prost(string, tag = "1")] type_name: String,
        #[prost(message, optional, tag = "2")] state: Option<DynamicValue>,
        #[prost(bytes = "vec", tag = "3")] private: Vec<u8>,
    }
    ImportResourceStateResponse {
        #[prost(message, repeated, tag = "1")] imported_resources: Vec<ImportedResource>,
        #[prost(message, repeated, tag = "2")] diagnostics: Vec<Diagnostic>,
    }
    MoveResourceStateRequest {
        #[prost(string, tag = "1")] source_provider_address: String,
        #[prost(string, tag = "2")] source_type_name: String,
        #[prost(int64, tag = "3")] source_schema_version: i64,
        #[prost(message, optional, tag = "4")] source_state: Option<RawState>,
        #[prost(string, tag = "5")] target_type_name: String,
    }
    MoveResourceStateResponse {
        #[prost(message, optional, tag = "1")] target_state: Option<DynamicValue>,
        #[prost(message, repeated, tag = "2")] diagnostics: Vec<Diagnostic>,
    }
    ReadDataSourceResponse {
        #[prost(message, optional, tag = "1")] state: Option<DynamicValue>,
        #[prost(message, repeated, tag = "2")] diagnostics: Vec<Diagnostic>,
    }
    OpenEphemeralResourceResponse {
        #[prost(message, repeated, tag = "1")] diagnostics: Vec<Diagnostic>,
        #[prost(message, optional, tag = "3")] result: Option<DynamicValue>,
    }
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Selector {
    #[prost(string, tag = "1")]
    AttributeName(String),
    #[prost(string, tag = "2")]
    ElementKeyString(String),
    #[prost(int64, tag = "3")]
    ElementKeyInt(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Severity {
    Invalid = 0,
    Error = 1,
    Warning = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Nesting {
    Invalid = 0,
    Single = 1,
    List = 2,
    Set = 3,
}

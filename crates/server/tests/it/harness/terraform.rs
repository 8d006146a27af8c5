//! A terraform that is a shell script. It plans one resource, applies it to a real state file, and does as files in the
//! control folder tell it, each named after the workspace:
//!
//! | file | what it does |
//! |---|---|
//! | `WS.plan.fail`, `WS.apply.fail` | fails |
//! | `WS.unchanged` | the plan has no changes |
//! | `WS.plan.says`, `WS.apply.says` | its content goes into the log |
//! | `WS.show` | its content is the JSON of the plan |
//! | `WS.outputs` | its content is the outputs of the states that applies write, as JSON |
//! | `WS.plan.gate`, `WS.apply.gate` | a fifo: waits there until somebody opens it; an interrupt ends the wait |
//! | `WS.plan.marks`, `WS.apply.marks` | (written) the variables `MARK…` of the phase's environment |
//! | `WS.cli` | (written) the CLI configuration of the last run, with the run's token |
//! | `WS.stubborn` | does not hear interrupts |
//! | `calls` | (written) one line for each call |
//! | `begun` | (written) a line for each apply that began: workspace and folder |
//! | `made` | (written) a line for each state that an apply wrote: workspace, folder and serial |

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const SCRIPT: &str = r#"#!/bin/sh
control="@CONTROL@"
if [ "$1" = version ]; then
    printf 'Terraform v1.11.4\non linux_amd64\n'
    exit 0
fi
ws="${TF_WORKSPACE:-default}"
[ -e "$control/$ws.stubborn" ] && trap '' INT
echo "$ws $*" >> "$control/calls"
cat "$TF_CLI_CONFIG_FILE" > "$control/$ws.cli"
state="terraform.tfstate.d/$ws/terraform.tfstate"

case "$1" in plan | apply) env | grep '^MARK' | sort > "$control/$ws.$1.marks" ;; esac

gate() {
    [ -p "$control/$ws.$1.gate" ] || return 0
    if [ -e "$control/$ws.stubborn" ]; then
        cat "$control/$ws.$1.gate" > /dev/null
        return
    fi
    trap 'kill $! 2>/dev/null; echo Interrupted.; exit 1' INT TERM
    cat "$control/$ws.$1.gate" > /dev/null &
    wait $!
    trap - INT TERM
}

last() {
    for argument; do :; done
    printf '%s' "$argument"
}

case "$1" in
init)
    echo 'Terraform has been successfully initialized!'
    ;;
plan)
    kind=create
    for argument; do
        case "$argument" in
        -out=*) out="${argument#-out=}" ;;
        -destroy) kind=delete ;;
        esac
    done
    echo 'Terraform will perform the following actions:'
    [ -e "$control/$ws.plan.says" ] && cat "$control/$ws.plan.says"
    gate plan
    if [ -e "$control/$ws.plan.fail" ]; then
        echo 'Error: the plan was told to fail'
        exit 1
    fi
    [ -e "$control/$ws.unchanged" ] && kind=no-op
    printf '%s' "$kind" > "$out"
    [ "$kind" = no-op ] && exit 0
    exit 2
    ;;
show)
    [ -e "$control/$ws.show" ] && cat "$control/$ws.show" && exit 0
    kind="$(cat "$(last "$@")")"
    printf '{"format_version":"1.2","applyable":true,"resource_changes":[{"address":"terraform_data.a","mode":"managed",'
    printf '"type":"terraform_data","name":"a","provider_name":"terraform.io/builtin/terraform",'
    printf '"change":{"actions":["%s"],"before":null,"after":{"input":"s3cret"},' "$kind"
    printf '"before_sensitive":false,"after_sensitive":{"input":true}}}],"output_changes":{}}\n'
    ;;
providers)
    printf '{"format_version":"1.0","provider_schemas":{"terraform.io/builtin/terraform":{}}}\n'
    ;;
apply)
    echo "$ws $PWD" >> "$control/begun"
    kind="$(cat "$(last "$@")")"
    printf '{"@level":"info","@message":"Applying...","type":"log"}\n'
    [ -e "$control/$ws.apply.says" ] && cat "$control/$ws.apply.says"
    gate apply
    serial=0
    [ -s "$state" ] && serial="$(sed -n 's/.*"serial":\([0-9]*\).*/\1/p' "$state" | head -n 1)"
    resources='{"mode":"managed","type":"terraform_data","name":"a","provider":"provider[\"terraform.io/builtin/terraform\"]","instances":[{"attributes":{"id":"1"}}]}'
    outputs='{"ip":{"value":"10.0.0.1","type":"string"},"key":{"value":"s3cret","type":"string","sensitive":true}}'
    [ -e "$control/$ws.outputs" ] && outputs="$(cat "$control/$ws.outputs")"
    [ "$kind" = delete ] && resources='' && outputs='{}'
    mkdir -p "${state%/*}"
    printf '{"version":4,"terraform_version":"1.11.4","serial":%d,"lineage":"lineage-%s","outputs":%s,"resources":[%s]}' "$((serial + 1))" "$ws" "$outputs" "$resources" > "$state.new"
    mv "$state.new" "$state"
    echo "$ws $PWD $((serial + 1))" >> "$control/made"
    if [ -e "$control/$ws.apply.fail" ]; then
        printf '{"@level":"error","@message":"Error: told to fail","type":"diagnostic","diagnostic":{"severity":"error","summary":"told to fail","detail":""}}\n'
        exit 1
    fi
    printf '{"@level":"info","@message":"Apply complete!","type":"change_summary","changes":{"add":1,"change":0,"import":0,"remove":0,"operation":"apply"}}\n'
    ;;
*)
    echo "no script for: $*" >&2
    exit 1
    ;;
esac
"#;

/// Writes the script into `folder`; its control folder is beside it.
pub(super) fn write(folder: &Path) -> PathBuf {
    let file = folder.join("terraform");
    let script = SCRIPT.replace("@CONTROL@", &folder.join("control").display().to_string());
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    file
}

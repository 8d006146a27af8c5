use super::*;

fn render(form: Form, pieces: &[&[u8]]) -> String {
    let mut rendering = Rendering::new(form);
    let mut out = Vec::new();
    for piece in pieces {
        rendering.push(piece, &mut out);
    }
    rendering.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[test]
fn an_apply_reads_as_people_know_it() {
    let lines = concat!(
        r#"{"@message":"Terraform 1.11.4","type":"version"}"#,
        "\n",
        r#"{"@message":"t.b: Plan to create","type":"planned_change"}"#,
        "\n",
        r#"{"@message":"t.b: Creating...","type":"apply_start"}"#,
        "\n",
        r#"{"@message":"x","type":"provision_start","hook":{"resource":{"addr":"t.b"},"provisioner":"local-exec"}}"#,
        "\n",
        r#"{"@message":"x","type":"provision_progress","hook":{"resource":{"addr":"t.b"},"provisioner":"local-exec","output":"hello"}}"#,
        "\n",
        r#"{"@message":"t.b: Creation complete after 0s [id=1]","type":"apply_complete"}"#,
        "\n",
        "plain words\n",
        r#"{"@message":"Apply complete! Resources: 1 added, 0 changed, 0 destroyed.","type":"change_summary","changes":{"operation":"apply"}}"#,
        "\n",
        r#"{"@message":"Outputs: 4","type":"outputs","outputs":{"m":{"sensitive":false,"type":["tuple",["string","number"]],"value":["hi",1]},"s":{"sensitive":true,"type":"string"},"o":{"sensitive":false,"type":["map","string"],"value":{"k":"v"}},"e":{"sensitive":false,"type":["list","string"],"value":[]}}}"#,
        "\n",
    );
    expect_test::expect![[r#"
        t.b: Creating...
        t.b: Provisioning with 'local-exec'...
        t.b (local-exec): hello
        t.b: Creation complete after 0s [id=1]
        plain words

        Apply complete! Resources: 1 added, 0 changed, 0 destroyed.

        Outputs:

        e = tolist([])
        m = [
          "hi",
          1,
        ]
        o = tomap({
          "k" = "v"
        })
        s = <sensitive>
    "#]]
    .assert_eq(&plain(&render(Form::Human, &[lines.as_bytes()])));
}

#[test]
fn a_diagnostic_stands_in_its_box() {
    let line = r#"{"@level":"error","@message":"Error: Invalid","type":"diagnostic","diagnostic":{"severity":"error","summary":"Invalid thing","detail":"First.\n\nSecond: cannot convert one thing to another thing; the given string must be a decimal representation of a number.","address":"t.a","range":{"filename":"main.tf","start":{"line":3},"end":{"line":3}},"snippet":{"context":"resource \"t\" \"a\"","code":"  input = var.x","start_line":3,"highlight_start_offset":10,"highlight_end_offset":15,"values":[{"traversal":"var.x","statement":"is \"foo\""}],"function_call":{"called_as":"f","signature":{"name":"f","params":[{"name":"v"}],"variadic_param":{"name":"more"}}}}}}"#;
    expect_test::expect![[r#"
        ╷
        │ Error: Invalid thing
        │ 
        │   with t.a,
        │   on main.tf line 3, in resource "t" "a":
        │    3:   input = var.x
        │     ├────────────────
        │     │ while calling f(v, more...)
        │     │ var.x is "foo"
        │ 
        │ First.
        │ 
        │ Second: cannot convert one thing to another thing; the given string must be
        │ a decimal representation of a number.
        ╵
    "#]]
    .assert_eq(&plain(&render(Form::Human, &[line.as_bytes(), b"\n"])));
}

#[test]
fn a_printed_state_stays_out_of_the_log_however_long_it_is() {
    let secret = "s3cret".repeat(40_000);
    let line = format!(
        "{{\"@level\":\"error\",\"@message\":\"Emergency state dump\",\"state\":{{\"x\":\"{secret}\"}}}}\nnext\n"
    );
    for form in [Form::Json, Form::Human] {
        for size in [1000, 70_000, line.len()] {
            let pieces: Vec<&[u8]> = line.as_bytes().chunks(size).collect();
            let shown = render(form, &pieces);
            assert!(!shown.contains("s3cret"), "{form:?} {size}");
            assert!(shown.contains(DUMP_SENTENCE) && shown.ends_with("\nnext\n"), "{form:?} {size}");
        }
    }
}

#[test]
fn a_line_of_twenty_million_characters_passes() {
    let line = "x".repeat(20_000_000);
    let pieces: Vec<&[u8]> = line.as_bytes().chunks(64 * 1024).collect();
    for form in [Form::Raw, Form::Json, Form::Human] {
        assert_eq!(render(form, &pieces).len(), line.len());
    }
}

#[test]
fn a_torn_last_line_is_passed_on_as_it_is() {
    assert_eq!(render(Form::Human, &[b"{\"@message\":\"t.a: Crea"]), "{\"@message\":\"t.a: Crea");
    assert_eq!(render(Form::Raw, &[b"a\nb", b"c"]), "a\nbc");
    assert_eq!(render(Form::Raw, &[b"\xff\xfe\n"].map(|_| b"ok\n".as_slice())), "ok\n");
}

#[test]
fn no_line_of_terraform_panics_in_whatever_pieces_it_comes() {
    let seeds: &[&[u8]] = &[
        br#"{"@level":"info","@message":"t.b: Creation complete after 0s [id=1]","type":"apply_complete","hook":{"resource":{"addr":"t.b"},"id_key":"id","id_value":"1","elapsed_seconds":0}}"#,
        b"{\"@level\":\"error\",\"@message\":\"Error: Boom\",\"diagnostic\":{\"severity\":\"error\",\"summary\":\"Boom\",\"detail\":\"It broke.\",\"range\":{\"filename\":\"main.tf\",\"start\":{\"line\":1,\"column\":3,\"byte\":2},\"end\":{\"line\":1,\"column\":9,\"byte\":8}},\"snippet\":{\"context\":\"x\",\"code\":\"  \xc3\xa9 = foo\",\"start_line\":1,\"highlight_start_offset\":2,\"highlight_end_offset\":7,\"values\":[{\"traversal\":\"foo\",\"statement\":\"is 1\"}]}},\"type\":\"diagnostic\"}\n",
        br#"{"@message":"x","type":"change_summary","changes":{"add":1,"change":0,"import":0,"remove":0,"operation":"plan"}}"#,
        br#"{"@message":"x","type":"outputs","outputs":{"a":{"sensitive":false,"type":["list","string"],"value":["a\nb",null,{"c":1.5}]},"s":{"sensitive":true,"type":"string"}}}"#,
        br#"{"@message":"Emergency state dump","@level":"error","state":{"version":4}}"#,
        b"plain \x1b[31mred\x1b[0m words\r\n\xff\xfe\n",
    ];
    fuzz::survives("terraform-lines", seeds, &|bytes| {
        for form in [Form::Raw, Form::Json, Form::Human] {
            let pieced = |size: usize| {
                let mut rendering = Rendering::new(form);
                let mut out = Vec::new();
                bytes.chunks(size).for_each(|piece| rendering.push(piece, &mut out));
                rendering.finish(&mut out);
                out
            };
            // How the bytes come in pieces makes no difference.
            assert_eq!(pieced(7), pieced(bytes.len().max(1)));
        }
        drop(line_as_text(bytes));
    });
}

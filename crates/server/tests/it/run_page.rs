//! The page of a run: what it shows, what its forms do, and how it is followed.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, on_both};

/// What must never come back as markup.
const CANARY: &str = "<script>alert(1)</script>\"'&";

/// A workspace `net` with code, and a run of it.
async fn run_of(server: &Server, attributes: Value) -> (String, String) {
    let workspace = server.workspace("net").await;
    server.configuration(&workspace, false).await;
    let run = server.run(&workspace, attributes).await;
    (workspace, run)
}

fn page(run: &str) -> String {
    format!("/app/acme/net/runs/{run}")
}

/// Name, id and data of each event of a stream that has ended.
fn events(answer: &Answer) -> Vec<(String, String, String)> {
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let field = |event: &str, name: &str| {
        let values = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.collect::<Vec<_>>().join("\n")
    };
    let text = answer.text();
    let all = text.split("\n\n").filter(|event| event.contains("event:"));
    all.map(|event| (field(event, "event"), field(event, "id"), field(event, "data"))).collect()
}

/// The lines in the `log` events of a phase.
fn lines(events: &[(String, String, String)], phase: &str) -> String {
    let data = events.iter().filter(|(name, ..)| name == "log").map(|(.., data)| data);
    let data = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    data.filter(|data| data["phase"] == phase).map(|data| data["html"].as_str().unwrap().to_owned()).collect()
}

on_both! {
    async fn a_run_is_read_and_approved_without_a_script(server) {
        let (_, run) = run_of(&server, json!({ "message": "first\nand more" })).await;
        server.until(&run, "planned").await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page(&page(&run)).await;
        for part in ["<h1>first</h1>", "and more", "Waits for approval", "1 to add", "terraform_data.a", "(sensitive value)",
                     "owner, with the API", "Approve and apply", "Discard", "Terraform will perform the following actions"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("s3cret"), "{text}");

        let answer = browser.send_form(&format!("{}/confirm", page(&run)), &[("comment", "looks good")]).await.is(303);
        assert_eq!(answer.header("location"), page(&run));
        server.until(&run, "applied").await;
        let text = browser.page(&page(&run)).await;
        for part in ["Applied", "Apply complete!", "looks good", "Approved"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("/confirm\"") && !text.contains("data-events"), "{text}");
        let again = browser.send_form(&format!("{}/confirm", page(&run)), &[]).await.is(409);
        assert!(again.text().contains("run/not-confirmable") && again.text().contains(&format!("href=\"{}\"", page(&run))));
        browser.send_form(&format!("{}/comment", page(&run)), &[("comment", "thanks")]).await.is(303);
        assert!(browser.page(&page(&run)).await.contains("thanks"));
    }

    async fn a_run_is_discarded_canceled_and_killed_by_its_forms(server) {
        let (workspace, run) = run_of(&server, json!({})).await;
        server.until(&run, "planned").await;
        let mut browser = server.signed_in(&server.token).await;
        let waiting = server.run(&workspace, json!({})).await;
        let text = browser.page(&page(&waiting)).await;
        assert!(text.contains("It waits for somebody to confirm or discard"), "{text}");
        assert!(text.contains(&format!("<a href=\"{}\">", page(&run))), "{text}");

        browser.send_form(&format!("{}/discard", page(&run)), &[]).await.is(303);
        server.until(&run, "discarded").await;
        assert!(browser.page(&page(&run)).await.contains("Discarded"));
        server.until(&waiting, "planned").await;
        browser.send_form(&format!("{}/discard", page(&waiting)), &[]).await.is(303);

        server.gate("net.apply.gate");
        let run = server.run(&workspace, json!({ "auto-apply": true })).await;
        server.until(&run, "applying").await;
        server.until_called("net apply").await;
        let text = browser.page(&page(&run)).await;
        assert!(text.contains("/cancel\"") && !text.contains("/force-cancel\""), "{text}");
        browser.send_form(&format!("{}/force-cancel", page(&run)), &[]).await.is(409);
        browser.send_form(&format!("{}/cancel", page(&run)), &[]).await.is(303);
        let killed = browser.send_form(&format!("{}/force-cancel", page(&run)), &[]).await;
        // It may have ended by itself by then.
        assert!([303, 409].contains(&killed.status.as_u16()), "{}", killed.text());
        server.until(&run, "canceled").await;
    }

    async fn markup_in_a_message_a_plan_a_comment_or_a_log_stays_text(server) {
        let mark = |value: &str| json!({ "value": value });
        let plan = json!({
            "format_version": "1.2", "applyable": true,
            "resource_changes": [{
                "address": format!("terraform_data.a[\"{CANARY}\"]"), "mode": "managed", "type": "terraform_data", "name": "a",
                "provider_name": "terraform.io/builtin/terraform",
                "change": { "actions": ["delete", "create"], "before": mark("old"), "after": mark(CANARY),
                            "replace_paths": [["value"]], "before_sensitive": false, "after_sensitive": false },
            }],
            "output_changes": { "ip": { "actions": ["create"], "before": null, "after": CANARY, "after_unknown": false } },
        });
        server.give("net.show", &plan.to_string());
        server.give("net.plan.says", &format!("{CANARY} \u{1b}[31mred\u{1b}[0m\n"));
        let (_, run) = run_of(&server, json!({ "message": CANARY })).await;
        server.until(&run, "planned").await;
        let comment = json!({ "data": { "attributes": { "body": CANARY } } });
        server.post(&format!("/runs/{run}/comments"), comment).await.is(201);
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page(&page(&run)).await;
        assert!(!text.contains("<script>"), "{text}");
        assert!(text.matches("&#60;script&#62;").count() >= 6, "{text}");
        for part in ["1 object that exists is destroyed", "# forces replacement", "<span class=\"c1\">red</span>"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let log = browser.page(&format!("{}/log/plan?find={}", page(&run), "%3Cscript")).await;
        assert!(!log.contains("<script>") && log.contains("1 of "), "{log}");
    }

    async fn whoever_may_only_look_has_no_forms_and_whoever_may_not_finds_nothing(server) {
        let (workspace, run) = run_of(&server, json!({})).await;
        server.until(&run, "planned").await;
        let reader = server.team("readers").await;
        server.team_on_workspace(&reader, &workspace, "read").await;
        let token = server.team_token(&reader).await;
        let mut browser = server.signed_in(&token).await;
        let text = browser.page(&page(&run)).await;
        assert!(text.contains("Waits for approval") && !text.contains("Approve and apply") && !text.contains("<textarea"), "{text}");
        for action in ["confirm", "discard", "cancel", "force-cancel", "comment"] {
            browser.send_form(&format!("{}/{action}", page(&run)), &[("comment", "x")]).await.is(404);
        }
        assert_eq!(server.get(&format!("/runs/{run}")).await.at("/data/attributes/status"), "planned");

        let token = server.team_token(&server.team("strangers").await).await;
        let mut stranger = server.signed_in(&token).await;
        for rest in ["", "/events", "/log/plan", "/log/plan/raw", "/log/apply", "/log/apply/raw"] {
            stranger.get(&format!("{}{rest}", page(&run))).await.is(404);
            let led = server.browser().get(&format!("{}{rest}", page(&run))).await.is(303);
            assert!(led.header("location").starts_with("/sign-in?to=%2Fapp%2Facme"), "{}", led.header("location"));
        }
        let mut owner = server.signed_in(&server.token).await;
        server.workspace("other").await;
        for wrong in ["/app/acme/other/runs/", "/app/nobody/net/runs/"] {
            owner.get(&format!("{wrong}{run}")).await.is(404);
        }
        let form = owner.form(&format!("{}/confirm", page(&run)), &[("form_token", "x")]).send().await.is(403);
        assert!(form.text().contains("access/form"));
    }

    async fn a_line_of_a_log_has_an_address_and_the_log_can_be_kept(server) {
        let said: String = (1..=12_000).map(|number| format!("line {number} of many\n")).collect();
        server.give("net.plan.says", &said);
        let (_, run) = run_of(&server, json!({})).await;
        server.until(&run, "planned").await;
        let mut browser = server.signed_in(&server.token).await;
        let text = browser.page(&page(&run)).await;
        assert!(text.contains("lines come before these") && text.contains("line 12000 of many"));
        assert!(!text.contains("line 100 of many"), "only the end stands beside the run");
        let log = format!("{}/log/plan", page(&run));
        let raw = browser.get(&format!("{log}/raw")).await.is(200);
        assert_eq!(raw.header("content-type"), "text/plain; charset=utf-8");
        assert!(raw.header("content-disposition").starts_with("attachment"));
        let whole = raw.text();
        let number = whole.lines().position(|line| line == "line 7000 of many").unwrap() + 1;
        assert!(text.contains(&format!("href=\"{log}?line={}#L{}\"", number + 5000, number + 5000)));
        let part = browser.page(&format!("{log}?line={number}")).await;
        let (_, line) = part.split_once(&format!("id=\"L{number}\"")).expect("the line has its id");
        assert!(line.split("</div>").next().unwrap().contains("line 7000 of many"));
        assert!(part.contains("Lines before") && part.contains("Lines after"));
        let found = browser.page(&format!("{log}?find=LINE+11999+")).await;
        assert!(found.contains("1 of ") && found.contains("line 11999 of many"), "{found}");
        assert!(browser.page(&format!("{}/log/apply", page(&run))).await.contains("There is nothing here."));
    }

    async fn a_run_is_followed_to_its_end_and_taken_up_where_the_stream_was_lost(server) {
        server.gate("net.plan.gate");
        server.gate("net.apply.gate");
        let (_, run) = run_of(&server, json!({})).await;
        server.until(&run, "planning").await;
        let browser = server.signed_in(&server.token).await;
        let stream = format!("{}/events?at=0.0-0.0", page(&run));
        let follow = browser.request(Method::GET, &stream).send();
        let drive = async {
            server.open_gate("net.plan.gate").await;
            server.until(&run, "planned").await;
            server.act(&run, "apply").await.is(202);
            server.until(&run, "applying").await;
            server.open_gate("net.apply.gate").await;
        };
        let (answer, ()) = tokio::join!(follow, drive);
        let all = events(&answer.is(200));
        assert_eq!(all.last().unwrap().0, "end");
        let told: Vec<_> = all.iter().filter(|(name, ..)| name == "parts").map(|(.., data)| data).collect();
        let status = told.iter().rev().find(|data| data.contains("\"part-status\"")).unwrap();
        assert!(status.contains(">Applied</span>"), "{status}");
        assert!(told[1..].iter().all(|data| !data.contains("part-recovery")), "only what has changed is sent again: {told:?}");
        assert!(lines(&all, "plan").contains("Terraform will perform") && lines(&all, "apply").contains("Apply complete!"));

        let first = all.iter().find(|(name, ..)| name == "log").unwrap();
        let again = browser.request(Method::GET, &stream).header("last-event-id", &first.1).send().await.is(200);
        let rest = events(&again);
        let before: Value = serde_json::from_str(&first.2).unwrap();
        assert_eq!(format!("{}{}", before["html"].as_str().unwrap(), lines(&rest, "plan")), lines(&all, "plan"));
        assert_eq!(lines(&rest, "apply"), lines(&all, "apply"));
    }
}

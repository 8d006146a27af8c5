//! What holds for every page: signing in and out, forms, headers, and problems as a person sees them.

use axum::http::Method;
use serde_json::json;

use crate::harness::{ORGANIZATION, on_both};

on_both! {
    async fn whoever_is_not_signed_in_is_led_to_the_sign_in_and_back(server) {
        let mut browser = server.browser();
        let led = browser.get("/app?a=b").await.is(303);
        assert_eq!(led.header("location"), "/sign-in?to=%2Fapp%3Fa%3Db");
        let page = browser.get(led.header("location")).await.is(200);
        assert!(page.text().contains("name=\"to\" value=\"/app?a=b\""), "{}", page.text());
        assert!(!page.header("set-cookie").contains("Max-Age"), "{}", page.header("set-cookie"));

        let before = browser.cookie.clone();
        let token = server.token.clone();
        let answer = browser.sign_in(&token, "/app?a=b").await.is(303);
        assert_eq!(answer.header("location"), "/app?a=b");
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains("HttpOnly; SameSite=Lax") && cookie.contains("Max-Age=43200"), "{cookie}");
        assert!(!cookie.contains("Secure"), "browsers do not take a secure cookie in clear: {cookie}");
        assert_ne!(browser.cookie, before, "what the browser had before is not what is signed in");
        assert!(!cookie.contains(&token) && !browser.cookie.contains(&token));
        let page = browser.page("/app").await;
        assert!(page.contains(ORGANIZATION) && page.contains("<span>owner</span>"), "{page}");
        assert_eq!(browser.get("/sign-in?to=//evil.example").await.is(303).header("location"), "/app");
        assert_eq!(browser.get("/").await.is(303).header("location"), "/app");
    }

    async fn a_session_ends_when_somebody_signs_out_or_its_token_is_taken_back(server) {
        let mut browser = server.signed_in(&server.token).await;
        let signed_in = browser.cookie.clone();
        let answer = browser.send_form("/sign-out", &[]).await.is(303);
        assert!(answer.header("set-cookie").contains("Max-Age=0"));
        browser.cookie = signed_in;
        browser.get("/app").await.is(303);

        let team = server.team("readers").await;
        let token = server.team_token(&team).await;
        let mut browser = server.signed_in(&token).await;
        assert!(browser.page("/app").await.contains("team readers"));
        server.delete(&format!("/teams/{team}/authentication-token")).await.is(204);
        browser.get("/app").await.is(303);
    }

    async fn nobody_signs_in_with_a_token_that_is_unknown_or_of_a_run(server) {
        let mut browser = server.browser();
        let refused = browser.sign_in("<script>x</script>", "https://evil.example").await.is(422);
        assert!(refused.text().contains("The token is unknown") && !refused.text().contains("<script>x"));
        assert!(refused.text().contains("name=\"to\" value=\"/app\""));
        browser.get("/app").await.is(303);

        let workspace = server.workspace("own").await;
        server.configuration(&workspace, false).await;
        server.gate("own.plan.gate");
        let planning = server.run(&workspace, json!({})).await;
        server.until(&planning, "planning").await;
        let run = crate::access::token_of_run(&server, "own").await;
        browser.sign_in(&run, "/app").await.is(422);
        // The API's token is none of a browser's, and a browser's cookie none of the API's.
        server.request(Method::GET, "/app").at_root("/app").send().await.is(303);
        let browser = server.signed_in(&server.token).await;
        let api = server.request(Method::GET, "/organizations").anonymous().header("cookie", &browser.cookie);
        api.send().await.refuses(401, "access/unauthorized");
    }

    async fn a_form_counts_only_if_a_page_made_it_for_this_browser(server) {
        let mut browser = server.signed_in(&server.token).await;
        let other = server.signed_in(&server.token).await.form_token().await;
        let own = browser.form_token().await;
        for fields in [&[][..], &[("form_token", "")], &[("form_token", other.as_str())]] {
            let refused = browser.form("/sign-out", fields).send().await.is(403);
            assert!(refused.header("content-type").starts_with("text/html"));
            assert!(refused.text().contains("access/form"), "{}", refused.text());
        }
        for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")] {
            browser.form("/sign-out", &[("form_token", &own)]).header(name, value).send().await.is(403);
        }
        server.browser().form("/sign-in", &[("token", &server.token)]).send().await.is(403);
        browser.form("/sign-out", &[("form_token", "%00")]).bytes("form_token=%00").send().await.is(400);
        browser.page("/app").await;
        browser.form("/sign-out", &[("form_token", &own)]).header("sec-fetch-site", "same-origin").send().await.is(303);
        browser.get("/app").await.is(303);
    }

    async fn a_page_lets_a_browser_load_and_run_nothing_else_and_keeps_nothing(server) {
        let mut browser = server.signed_in(&server.token).await;
        for path in ["/app", "/app/nothing/is/here", "/app/settings/tokens", "/sign-in"] {
            let answer = browser.get(path).await;
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{path}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("x-frame-options"), "DENY");
        }
        let page = browser.page("/app").await;
        let (_, rest) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
        let style = rest.split('"').next().unwrap();
        let style = server.browser().get(style).await.is(200);
        assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
        assert!(style.header("cache-control").contains("immutable"));
        browser.get("/assets/style-0000000000000000.css").await.is(404);
        for inline in [" style=", "<style", "onclick", "<script>"] {
            assert!(!page.contains(inline), "{inline}");
        }
    }

    async fn what_is_not_there_is_a_page_for_a_browser(server) {
        let mut browser = server.signed_in(&server.token).await;
        let answer = browser.get("/app/nothing/is/here").await.is(404);
        assert!(answer.header("content-type").starts_with("text/html"));
        assert!(answer.text().contains("<h1>Not found</h1>"), "{}", answer.text());
        browser.request(Method::POST, "/app").send().await.is(404);
    }

    async fn the_first_page_has_the_organizations_that_one_may_see(server) {
        let body = json!({ "data": { "attributes": { "name": "other", "email": "a@b.example" } } });
        server.post("/organizations", body).await.is(201);
        let page = server.signed_in(&server.token).await.page("/app").await;
        assert!(page.contains(">acme</a>") && page.contains(">other</a>"), "{page}");
        let token = server.team_token(&server.team("readers").await).await;
        let page = server.signed_in(&token).await.page("/app").await;
        assert!(page.contains(">acme</a>") && !page.contains(">other</a>"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_the_cookie_is_for_this_host_and_for_tls_alone() {
    let database = crate::harness::Database::Sqlite;
    let server = crate::harness::Server::open_with(database, |options| {
        options.address = Some("https://tf.example.com".into());
    });
    let server = server.await;
    let browser = server.signed_in(&server.token).await;
    assert!(browser.cookie.starts_with("__Host-multispace="), "{}", browser.cookie);
    let mut browser = server.browser();
    let answer = browser.sign_in(&server.token, "/app").await.is(303);
    assert!(answer.header("set-cookie").contains("; Secure"), "{}", answer.header("set-cookie"));
    // What was set in clear does not count.
    browser.cookie = browser.cookie.replace("__Host-multispace=", "multispace=");
    browser.get("/app").await.is(303);
}

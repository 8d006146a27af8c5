//! A sign-in from a terminal, without the terminal: what is asked, and what a code is good for.

use axum::http::Method;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::harness::{Answer, Browser, Server, on_both};

const PAGE: &str = "/app/settings/authorize";
/// The proof key of RFC 7636's example, and its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://localhost:10007/login";

const ASKED: [(&str, &str); 6] = [
    ("client_id", "terraform-cli"),
    ("response_type", "code"),
    ("redirect_uri", REDIRECT),
    ("state", "a state/with?parts&more"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// Says yes, and returns the code.
async fn code(browser: &mut Browser<'_>) -> String {
    let led = browser.send_form(&format!("{PAGE}/approve"), &ASKED).await.is(303);
    let rest =
        led.header("location").strip_prefix(&format!("{REDIRECT}?code=")).expect("the terminal's port").to_owned();
    let (code, state) = rest.split_once("&state=").unwrap();
    assert_eq!(state, "a%20state%2Fwith%3Fparts%26more");
    code.to_owned()
}

async fn bring(server: &Server, fields: &[(&str, &str)]) -> Answer {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(':', "%3A").replace('/', "%2F")))
        .collect();
    let request = server.request(Method::POST, "/oauth/token").at_root("/oauth/token").anonymous();
    request.header("content-type", "application/x-www-form-urlencoded").bytes(fields.join("&")).send().await
}

on_both! {
    async fn a_code_is_good_once_for_who_asked_for_it(server) {
        let discovery = server.request(Method::GET, "/.well-known/terraform.json").anonymous().send().await.is(200);
        assert_eq!(discovery.at("/login.v1/authz"), PAGE);
        assert_eq!(discovery.at("/login.v1/grant_types/0"), "authz_code");
        let mut browser = server.signed_in(&server.token).await;
        let whole = |code: &str| [("grant_type", "authorization_code"), ("code", code), ("client_id", "terraform-cli"),
                                  ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)].map(|(name, value)| (name, value.to_owned()));
        let pairs = |fields: &[(&'static str, String)]| fields.iter().map(|(name, value)| (*name, value.clone())).collect::<Vec<_>>();
        // Anything that is otherwise refuses the code, and uses it up.
        for (field, wrong) in [("client_id", "other"), ("redirect_uri", "http://localhost:10008/login"), ("code_verifier", "another"), ("code_verifier", "")] {
            let code = code(&mut browser).await;
            let mut fields = pairs(&whole(&code));
            fields.iter_mut().find(|(name, _)| *name == field).unwrap().1 = wrong.to_owned();
            let as_text: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let refused = bring(&server, &as_text).await.is(400);
            assert_eq!(refused.at("/error"), "invalid_grant", "{field}");
            assert_eq!(refused.header("cache-control"), "no-store");
            let right = pairs(&whole(&code));
            let as_text: Vec<_> = right.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(bring(&server, &as_text).await.is(400).at("/error"), "invalid_grant", "it was used up");
        }
        let code = code(&mut browser).await;
        let fields = whole(&code);
        let as_text: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let given = bring(&server, &as_text).await.is(200);
        assert_eq!(given.at("/token_type"), "bearer");
        assert_eq!(given.at("/expires_in"), 90 * 24 * 3600);
        bring(&server, &as_text).await.is(400);
        let token = given.text_at("/access_token");
        let account = server.request(Method::GET, "/account/details").token(token).send().await.is(200);
        let tokens = server.get(&format!("/users/{}/authentication-tokens", account.id())).await.is(200);
        assert_eq!(tokens.at("/data/1/attributes/description"), "terraform login");
        assert!(tokens.at("/data/1/attributes/expired-at").is_string());
        assert_eq!(bring(&server, &[("grant_type", "password")]).await.is(400).at("/error"), "unsupported_grant_type");
        bring(&server, &[("grant_type", "authorization_code"), ("code", "%00")]).await.is(400);
    }

    async fn a_library_that_names_its_client_in_the_head_is_understood(server) {
        let mut browser = server.signed_in(&server.token).await;
        let code = code(&mut browser).await;
        let body = format!("grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A10007%2Flogin&code_verifier={VERIFIER}");
        let request = server.request(Method::POST, "/oauth/token").at_root("/oauth/token").anonymous();
        let basic = format!("Basic {}", BASE64_STANDARD.encode("terraform-cli:"));
        request.header("authorization", &basic).bytes(body).send().await.is(200);
    }

    async fn a_person_alone_says_yes_in_a_form_of_ours_and_what_is_no_sign_in_is_not_asked(server) {
        let query = ASKED.map(|(name, value)| format!("{name}={}", value.replace(['&', '?', ' ', '/', ':'], "-"))).join("&");
        let good = query.replace("http---localhost-10007-login", "http%3A%2F%2Flocalhost%3A10007%2Flogin");
        let led = server.browser().get(&format!("{PAGE}?{good}")).await.is(303);
        assert!(led.header("location").starts_with("/sign-in?to=%2Fapp%2Fsettings%2Fauthorize%3Fclient"), "{led:?}");
        let mut browser = server.signed_in(&server.token).await;
        let page = browser.get(&format!("{PAGE}?{good}")).await.is(200);
        assert!(page.header("content-security-policy").contains("form-action 'self' http://localhost:10007;"), "{page:?}");
        assert!(page.text().contains("expires after 90 days"));
        for (part, wrong) in [("terraform-cli", "other"), ("10007", "80"), ("localhost", "evil.example"), ("S256", "plain"), (CHALLENGE, "x")] {
            let refused = browser.get(&format!("{PAGE}?{}", good.replace(part, wrong))).await.is(400);
            assert!(refused.text().contains("This is no sign-in of a terraform"), "{wrong}");
        }
        // Somebody else's page cannot say yes.
        browser.form(&format!("{PAGE}/approve"), &ASKED).send().await.is(403);
        let declined = browser.send_form(&format!("{PAGE}/decline"), &[]).await.is(200);
        assert!(declined.text().contains("Nothing was given"));
        let team = server.team_token(&server.team("crew").await).await;
        server.signed_in(&team).await.send_form(&format!("{PAGE}/approve"), &ASKED).await.is(403);
    }

    async fn a_code_is_worthless_when_its_user_is_shut_out(server) {
        let ada = server.person("ada", &[]).await;
        let mut browser = server.signed_in(&ada.token).await;
        let code = code(&mut browser).await;
        server.post(&format!("/admin/users/{}/actions/suspend", ada.id), serde_json::Value::Null).await.is(200);
        let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("client_id", "terraform-cli"), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
        assert_eq!(bring(&server, &fields).await.is(400).at("/error"), "invalid_grant");
    }
}

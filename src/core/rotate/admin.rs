//! Makes and takes back keys by the providers' own APIs. Nothing is revoked on a guess.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::ask::Api;
use super::client::{Reply, Request, Silence};
use super::providers::{Create, Revoke};
use super::verdict::{Verdict, text_at};
use crate::secret::Secret;

/// A list of keys longer than this many pages is no list.
const MOST_PAGES: usize = 1000;

/// Why the provider's administration did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// There is nothing to ask it with.
    #[error("the admin key is not at hand")]
    NoKey,
    /// No answer, or none that can be understood.
    #[error("the provider's admin API gave no usable answer")]
    NoAnswer,
    /// The admin key was refused.
    #[error("the provider's admin API refuses the admin key (HTTP {0})")]
    Refused(u16),
    /// No listed key, or several, can be the old one.
    #[error(
        "{0} of the listed keys can be the old one, so none was revoked; choose it in the console"
    )]
    NotOne(usize),
    /// The only candidate can be the new key as well.
    #[error(
        "the listed key can be the new one as well, so it was not revoked; choose it in the console"
    )]
    MayBeNew,
    /// A service account's key cannot be deleted by API.
    #[error(
        "the old key belongs to a service account, which the API does not delete; do it in the console"
    )]
    ServiceAccount,
}

/// A key as the provider lists it. The hint is a part of a secret and is never shown.
struct Listed {
    id: String,
    hint: String,
    name: String,
    project: Option<String>,
    is_service_account: bool,
}

impl Api<'_> {
    /// Whether the admin key may list keys: asked before anything is changed.
    ///
    /// # Errors
    /// [`AdminError`] if not.
    pub fn try_admin(&self, admin: &Secret) -> Result<(), AdminError> {
        let path = match self.provider.revoke {
            Revoke::Anthropic => "/v1/organizations/api_keys?limit=1",
            Revoke::OpenAi => "/v1/organization/projects?limit=1",
            Revoke::OpenRouter => "/api/v1/keys?offset=0",
            Revoke::Cloudflare => "/client/v4/user/tokens?per_page=5",
            Revoke::GitHub | Revoke::Slack | Revoke::Perplexity | Revoke::Console => return Ok(()),
        };
        self.admin(Method::GET, path, admin, None).map(|_| ())
    }

    /// Makes a key with this name.
    ///
    /// # Errors
    /// [`AdminError`] if no key came back. One may exist all the same: see [`Api::delete_named`].
    pub fn create(&self, admin: &Secret, name: &str) -> Result<Secret, AdminError> {
        match self.provider.create {
            Create::Console => Err(AdminError::NoAnswer),
            Create::OpenRouter => {
                let body = json!({ "name": name });
                let answer = self.admin(Method::POST, "/api/v1/keys", admin, Some(&body))?;
                match answer.get("key").and_then(Value::as_str) {
                    Some(key) if !key.is_empty() => Ok(Secret::new(key)),
                    _ => Err(AdminError::NoAnswer),
                }
            }
        }
    }

    /// Deletes every key with this name, which nobody but [`Api::create`] gives; says how many.
    ///
    /// # Errors
    /// [`AdminError`] if it is not certain that none is left.
    pub fn delete_named(&self, admin: &Secret, name: &str) -> Result<usize, AdminError> {
        let keys = self.list(admin)?;
        let mut deleted = 0;
        for key in keys.iter().filter(|key| key.name == name) {
            self.take_back(key, admin)?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Takes the old key back. That it is dead has to be asked all the same.
    ///
    /// # Errors
    /// [`AdminError`]: nothing was revoked, or it is not known.
    pub fn revoke(
        &self,
        old: &Secret,
        new: &Secret,
        admin: Option<&Secret>,
    ) -> Result<(), AdminError> {
        match self.provider.revoke {
            Revoke::Console => Err(AdminError::NoAnswer),
            Revoke::GitHub => {
                let key = text(old)?;
                let body = json!({ "credentials": [key] });
                self.own(Method::POST, "/credentials/revoke", None, Some(&body))
            }
            Revoke::Slack => self.own(
                Method::POST,
                "/api/auth.revoke",
                Some(old),
                Some(&json!({})),
            ),
            Revoke::Perplexity => {
                let body = json!({ "auth_token": text(old)? });
                self.own(Method::POST, "/revoke_auth_token", Some(old), Some(&body))
            }
            Revoke::Cloudflare => {
                let admin = admin.ok_or(AdminError::NoAnswer)?;
                let secrets = self.credentials(old).map_err(|_| AdminError::NoAnswer)?;
                let reply = self
                    .request(Method::GET, "/client/v4/user/tokens/verify", secrets, None)
                    .map_err(|_| AdminError::NoAnswer)?;
                let id = reply.json().and_then(|body| text_at(&body, "/result/id"));
                let id = id.filter(|id| is_plain(id)).ok_or(AdminError::NotOne(0))?;
                let path = format!("/client/v4/user/tokens/{id}");
                self.admin(Method::DELETE, &path, admin, None).map(|_| ())
            }
            Revoke::Anthropic | Revoke::OpenAi | Revoke::OpenRouter => {
                let admin = admin.ok_or(AdminError::NoAnswer)?;
                let keys = self.list(admin)?;
                let fitting: Vec<&Listed> =
                    keys.iter().filter(|key| fits(&key.hint, old)).collect();
                match fitting[..] {
                    [key] if fits(&key.hint, new) => Err(AdminError::MayBeNew),
                    [key] if key.is_service_account => Err(AdminError::ServiceAccount),
                    [key] => self.take_back(key, admin),
                    _ => Err(AdminError::NotOne(fitting.len())),
                }
            }
        }
    }

    /// Takes a key back that was taken back: where no other question is free, this is how the
    /// provider says that it is dead, twice and a moment apart.
    pub fn revoked_again(&self, old: &Secret, new: &Secret) -> Verdict {
        for pause in [Duration::ZERO, Duration::from_secs(1)] {
            self.sleep(pause);
            if self.revoke(old, new, None) != Err(AdminError::Refused(401)) {
                return Verdict::Unknown;
            }
        }
        Verdict::Dead
    }

    fn take_back(&self, key: &Listed, admin: &Secret) -> Result<(), AdminError> {
        let id = Some(&key.id)
            .filter(|id| is_plain(id))
            .ok_or(AdminError::NoAnswer)?;
        let (method, path, body) = match self.provider.revoke {
            Revoke::Anthropic => (
                Method::POST,
                format!("/v1/organizations/api_keys/{id}"),
                Some(json!({ "status": "inactive" })),
            ),
            Revoke::OpenAi => {
                let project = key.project.as_deref().filter(|project| is_plain(project));
                let project = project.ok_or(AdminError::NoAnswer)?;
                let path = format!("/v1/organization/projects/{project}/api_keys/{id}");
                (Method::DELETE, path, None)
            }
            Revoke::OpenRouter => (Method::DELETE, format!("/api/v1/keys/{id}"), None),
            _ => return Err(AdminError::NoAnswer),
        };
        self.admin(method, &path, admin, body.as_ref()).map(|_| ())
    }

    /// All active keys, over all pages.
    fn list(&self, admin: &Secret) -> Result<Vec<Listed>, AdminError> {
        match self.provider.revoke {
            Revoke::Anthropic => {
                let keys = self.pages("/v1/organizations/api_keys?limit=100", "after_id", admin)?;
                let keys = keys
                    .iter()
                    .filter(|key| is_missing_or(key, "/status", "active"));
                Ok(keys
                    .filter_map(|key| listed(key, "/id", "/partial_key_hint"))
                    .collect())
            }
            Revoke::OpenAi => {
                let projects = self.pages("/v1/organization/projects?limit=100", "after", admin)?;
                let mut all = Vec::new();
                for project in &projects {
                    let project = text_at(project, "/id").filter(|id| is_plain(id));
                    let project = project.ok_or(AdminError::NoAnswer)?;
                    let path = format!("/v1/organization/projects/{project}/api_keys?limit=100");
                    for key in self.pages(&path, "after", admin)? {
                        if let Some(mut key) = listed(&key, "/id", "/redacted_value") {
                            key.project = Some(project.clone());
                            all.push(key);
                        }
                    }
                }
                Ok(all)
            }
            Revoke::OpenRouter => self.openrouter_keys(admin),
            _ => Err(AdminError::NoAnswer),
        }
    }

    /// Pages with a cursor: `data`, `has_more`, `last_id`.
    fn pages(&self, path: &str, cursor: &str, admin: &Secret) -> Result<Vec<Value>, AdminError> {
        let mut all: Vec<Value> = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let path = match &after {
                Some(after) => format!("{path}&{cursor}={after}"),
                None => path.to_owned(),
            };
            let body = self.admin(Method::GET, &path, admin, None)?;
            let page = body.get("data").and_then(Value::as_array);
            let page = page.ok_or(AdminError::NoAnswer)?;
            all.extend(page.iter().cloned());
            if body.get("has_more").and_then(Value::as_bool) != Some(true) {
                return Ok(all);
            }
            let last = text_at(&body, "/last_id")
                .or_else(|| page.last().and_then(|entry| text_at(entry, "/id")))
                .filter(|last| is_plain(last));
            if last.is_none() || last == after {
                return Err(AdminError::NoAnswer);
            }
            after = last;
        }
        Err(AdminError::NoAnswer)
    }

    /// OpenRouter counts with an offset and does not say when the list ends.
    fn openrouter_keys(&self, admin: &Secret) -> Result<Vec<Listed>, AdminError> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        let mut offset = 0;
        for _ in 0..MOST_PAGES {
            let path = format!("/api/v1/keys?offset={offset}");
            let body = self.admin(Method::GET, &path, admin, None)?;
            let page = body.get("data").and_then(Value::as_array);
            let page = page.ok_or(AdminError::NoAnswer)?;
            let before = seen.len();
            for key in page {
                let hash = text_at(key, "/hash").ok_or(AdminError::NoAnswer)?;
                let is_disabled = key.get("disabled").and_then(Value::as_bool) == Some(true);
                if seen.insert(hash) && !is_disabled {
                    all.extend(listed(key, "/hash", "/label"));
                }
            }
            if seen.len() == before {
                return Ok(all);
            }
            offset += page.len();
        }
        Err(AdminError::NoAnswer)
    }

    fn admin(
        &self,
        method: Method,
        path: &str,
        admin: &Secret,
        body: Option<&Value>,
    ) -> Result<Value, AdminError> {
        let secrets = self.credentials(admin).map_err(|_| AdminError::NoAnswer)?;
        let reply = self
            .request(method, path, secrets, body)
            .map_err(|_| AdminError::NoAnswer)?;
        match reply.status {
            200..300 if reply.body.is_empty() => Ok(Value::Null),
            200..300 => serde_json::from_slice(&reply.body).map_err(|_| AdminError::NoAnswer),
            401 | 403 => Err(AdminError::Refused(reply.status)),
            _ => Err(AdminError::NoAnswer),
        }
    }

    /// A call that a key makes about itself.
    fn own(
        &self,
        method: Method,
        path: &str,
        key: Option<&Secret>,
        body: Option<&Value>,
    ) -> Result<(), AdminError> {
        let secrets = match key {
            Some(key) => self.credentials(key).map_err(|_| AdminError::NoAnswer)?,
            None => Vec::new(),
        };
        let reply = self
            .request(method, path, secrets, body)
            .map_err(|_| AdminError::NoAnswer)?;
        match reply.status {
            200..300 => Ok(()),
            status @ (401 | 403) => Err(AdminError::Refused(status)),
            _ => Err(AdminError::NoAnswer),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        secrets: Vec<(reqwest::header::HeaderName, reqwest::header::HeaderValue)>,
        body: Option<&Value>,
    ) -> Result<Reply, Silence> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.client.send(
            Request {
                method,
                path,
                headers: self.provider.headers,
                secrets,
                body,
                timeout: super::client::REQUEST_TIMEOUT,
            },
            self.stop,
        )
    }
}

fn listed(key: &Value, id: &str, hint: &str) -> Option<Listed> {
    Some(Listed {
        id: text_at(key, id)?,
        hint: text_at(key, hint).unwrap_or_default(),
        name: text_at(key, "/name").unwrap_or_default(),
        project: None,
        is_service_account: text_at(key, "/owner/type").as_deref() == Some("service_account"),
    })
}

fn is_missing_or(key: &Value, pointer: &str, text: &str) -> bool {
    text_at(key, pointer).is_none_or(|found| found == text)
}

/// Whether an identifier can stand in a path as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

fn text(key: &Secret) -> Result<&str, AdminError> {
    std::str::from_utf8(key.expose()).map_err(|_| AdminError::NoAnswer)
}

/// Whether a key can be the one that a hint shows: its beginning and end, something else between.
fn fits(hint: &str, key: &Secret) -> bool {
    let is_mask = |c: char| matches!(c, '.' | '*' | '…' | '•');
    let key = key.expose();
    // A single dot is part of many keys.
    let Some(start) = hint
        .char_indices()
        .find(|(at, c)| is_mask(*c) && (*c != '.' || hint[*at..].starts_with("..")))
        .map(|(at, _)| at)
    else {
        return hint.as_bytes() == key;
    };
    let end = hint.rfind(is_mask).map_or(start, |at| {
        at + hint[at..].chars().next().map_or(1, char::len_utf8)
    });
    let (before, after) = (&hint.as_bytes()[..start], &hint.as_bytes()[end..]);
    before.len() + after.len() > 0
        && key.len() >= before.len() + after.len()
        && key.starts_with(before)
        && key.ends_with(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_fits_the_keys_that_begin_and_end_alike() {
        let key = Secret::new("sk-or-v1-0e6abcdef1c96");
        for (hint, expected) in [
            ("sk-or-v1-0e6...1c96", true),
            ("sk-or-v1-0e6…1c96", true),
            ("sk-or-v1-0e6****1c96", true),
            ("sk-or-v1-0e6...1c97", false),
            ("sk-or-v1-0e7...1c96", false),
            ("sk-or-v1-0e6abcdef1c96", true),
            ("...", false),
            ("", false),
        ] {
            assert_eq!(fits(hint, &key), expected, "{hint}");
        }
        assert!(!fits("abc...abc", &Secret::new("abc")));
    }
}

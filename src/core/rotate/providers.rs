//! The table of providers: how a key is asked about, what the answers mean, and where it is taken back.

use super::verdict::Verdict::{
    self, Blocked, Dead, LiveNoFunds, LiveScoped, LiveThrottled, NotRuntime,
};

/// What a new key does to the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Both live side by side until the old one is revoked.
    Overlap,
    /// A new key kills the old one at once.
    Replace,
}

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// `Authorization: Bot …`
    Bot,
    /// A header of its own.
    Header(&'static str),
    /// In the path, where `{key}` stands. The URL must never be shown.
    Path,
}

/// What is sent with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No body.
    Get,
    /// An empty JSON object as body.
    Post,
}

/// The question that tells whether a key works. It costs nothing and changes nothing.
#[derive(Debug)]
pub struct Probe {
    /// GET unless said.
    pub method: Method,
    /// Below [`Provider::api`].
    pub path: &'static str,
    /// JSON pointers (RFC 6901) of which a good answer has at least one; `""` is a list.
    pub shape: &'static [&'static str],
    /// JSON pointers of which the provider's own error answer has at least one.
    pub error_shape: &'static [&'static str],
    /// Statuses of an error answer that mean: this key is refused.
    pub refused: &'static [u16],
    /// What else an answer may mean; the first that fits counts.
    pub rules: &'static [Rule],
}

/// When an answer means something of its own.
#[derive(Debug)]
pub struct Rule {
    /// The statuses it holds for.
    pub status: &'static [u16],
    /// What the body must say.
    pub when: When,
    /// What it means then.
    pub means: Verdict,
}

/// A condition on a JSON body.
#[derive(Debug)]
pub enum When {
    /// The text at the pointer is one of these.
    Is(&'static str, &'static [&'static str]),
    /// The truth value at one of the pointers is this one.
    Flag(&'static [&'static str], bool),
    /// Some text of the body holds one of these, in small letters.
    Says(&'static [&'static str]),
}

/// How a key is made by API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// Only a person can.
    Console,
    /// `POST /api/v1/keys` with a management key.
    OpenRouter,
}

/// How a key is taken back by API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoke {
    /// Only a person can.
    Console,
    /// Admin key; `POST …/{id} {"status":"inactive"}`.
    Anthropic,
    /// Admin key; `DELETE …/projects/{p}/api_keys/{id}`.
    OpenAi,
    /// Management key; `DELETE /api/v1/keys/{hash}`.
    OpenRouter,
    /// `DELETE /client/v4/user/tokens/{id}` with a token that may edit tokens.
    Cloudflare,
    /// `POST /credentials/revoke` without any key in a header.
    GitHub,
    /// `auth.revoke` with the key itself.
    Slack,
    /// `POST /revoke_auth_token` with the key itself.
    Perplexity,
}

impl Revoke {
    /// Whether another, mightier key is needed.
    pub fn needs_admin_key(self) -> bool {
        matches!(
            self,
            Self::Anthropic | Self::OpenAi | Self::OpenRouter | Self::Cloudflare
        )
    }
}

/// Who issues keys.
#[derive(Debug)]
pub struct Provider {
    /// The name on the command line; [`crate::key_shapes`] uses the same.
    pub id: &'static str,
    /// The variables that OpenClaw reads such a key from.
    pub variables: &'static [&'static str],
    /// Scheme and host of its API.
    pub api: &'static str,
    /// How the key is sent.
    pub auth: Auth,
    /// Header fields that every request needs.
    pub headers: &'static [(&'static str, &'static str)],
    /// How a key is tried; none where no free question is known.
    pub probe: Option<Probe>,
    /// What a new key does to the old.
    pub class: Class,
    /// Where an answer names the account: a header, or a JSON pointer.
    pub principal: Option<Place>,
    /// The character that ends the account's id at the beginning of a key, where it stands there.
    pub id_ends_at: Option<u8>,
    /// Where an answer says when the key ends.
    pub expires: Option<Place>,
    /// Making a key by API.
    pub create: Create,
    /// Taking one back by API.
    pub revoke: Revoke,
    /// Where a person makes and revokes keys, without `https://`.
    pub console: &'static str,
    /// Beginnings of keys that administer and must not stand in a runtime variable.
    pub admin_prefixes: &'static [&'static str],
}

/// Where an answer says something.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A header field.
    Header(&'static str),
    /// A JSON pointer into the body.
    Body(&'static str),
}

/// The row of a provider.
pub fn find(id: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.id == id)
}

/// The provider whose keys stand in a variable of this name.
pub fn by_variable(name: &str) -> Option<&'static Provider> {
    PROVIDERS
        .iter()
        .find(|provider| provider.variables.contains(&name))
}

const fn probe(path: &'static str, shape: &'static [&'static str]) -> Probe {
    Probe {
        method: Method::Get,
        path,
        shape,
        error_shape: &["/error"],
        refused: &[401],
        rules: &[],
    }
}

const fn bearer(
    id: &'static str,
    variables: &'static [&'static str],
    api: &'static str,
) -> Provider {
    Provider {
        id,
        variables,
        api,
        auth: Auth::Bearer,
        headers: &[],
        probe: None,
        class: Class::Overlap,
        principal: None,
        id_ends_at: None,
        expires: None,
        create: Create::Console,
        revoke: Revoke::Console,
        console: "",
        admin_prefixes: &[],
    }
}

/// Every provider that can be rotated. The answers are those of the providers' own API pages.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        auth: Auth::Header("x-api-key"),
        headers: &[("anthropic-version", "2023-06-01")],
        probe: Some(Probe {
            error_shape: &["/error/type"],
            rules: &[
                Rule {
                    status: &[400, 403],
                    when: When::Says(&["credit balance", "usage limit"]),
                    means: LiveNoFunds,
                },
                Rule {
                    status: &[403],
                    when: When::Says(&["request not allowed"]),
                    means: Blocked,
                },
            ],
            ..probe("/v1/models", &["/data"])
        }),
        principal: Some(Place::Header("anthropic-organization-id")),
        revoke: Revoke::Anthropic,
        console: "platform.claude.com/settings/keys",
        admin_prefixes: &["sk-ant-admin"],
        ..bearer(
            "anthropic",
            &["ANTHROPIC_API_KEY"],
            "https://api.anthropic.com",
        )
    },
    Provider {
        probe: Some(Probe {
            rules: &[
                Rule {
                    status: &[401, 403],
                    when: When::Says(&[
                        "ip_not_authorized",
                        "ip not authorized",
                        "unsupported_country",
                    ]),
                    means: Blocked,
                },
                Rule {
                    status: &[401, 403],
                    when: When::Says(&["missing scopes", "insufficient permissions"]),
                    means: LiveScoped,
                },
                Rule {
                    status: &[429],
                    when: When::Says(&["insufficient_quota"]),
                    means: LiveNoFunds,
                },
            ],
            ..probe("/v1/models", &["/data"])
        }),
        principal: Some(Place::Header("openai-organization")),
        revoke: Revoke::OpenAi,
        console: "platform.openai.com/api-keys",
        admin_prefixes: &["sk-admin-"],
        ..bearer("openai", &["OPENAI_API_KEY"], "https://api.openai.com")
    },
    Provider {
        // `/api/v1/models` answers anybody and would call every text a key.
        probe: Some(Probe {
            rules: &[Rule {
                status: &[200],
                when: When::Flag(
                    &["/data/is_management_key", "/data/is_provisioning_key"],
                    true,
                ),
                means: NotRuntime,
            }],
            ..probe("/api/v1/key", &["/data"])
        }),
        expires: Some(Place::Body("/data/expires_at")),
        create: Create::OpenRouter,
        revoke: Revoke::OpenRouter,
        console: "openrouter.ai/settings/keys",
        ..bearer(
            "openrouter",
            &["OPENROUTER_API_KEY"],
            "https://openrouter.ai",
        )
    },
    Provider {
        auth: Auth::Header("x-goog-api-key"),
        probe: Some(Probe {
            refused: &[],
            rules: &[
                Rule {
                    status: &[400],
                    when: When::Says(&["api_key_invalid"]),
                    means: Dead,
                },
                Rule {
                    status: &[403],
                    when: When::Says(&["leaked", "blocked"]),
                    means: Blocked,
                },
                Rule {
                    status: &[400],
                    when: When::Is("/error/status", &["FAILED_PRECONDITION"]),
                    means: LiveNoFunds,
                },
            ],
            ..probe("/v1beta/models", &["/models"])
        }),
        console: "aistudio.google.com/apikey",
        ..bearer(
            "gemini",
            &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            "https://generativelanguage.googleapis.com",
        )
    },
    Provider {
        probe: Some(Probe {
            rules: &[Rule {
                status: &[403],
                when: When::Says(&["network settings"]),
                means: Blocked,
            }],
            ..probe("/openai/v1/models", &["/data"])
        }),
        console: "console.groq.com/keys",
        ..bearer("groq", &["GROQ_API_KEY"], "https://api.groq.com")
    },
    Provider {
        probe: Some(Probe {
            error_shape: &["/error", "/code"],
            rules: &[
                Rule {
                    status: &[200],
                    when: When::Flag(
                        &["/api_key_blocked", "/api_key_disabled", "/team_blocked"],
                        true,
                    ),
                    means: Dead,
                },
                Rule {
                    status: &[400],
                    when: When::Says(&["api key"]),
                    means: Dead,
                },
            ],
            ..probe(
                "/v1/api-key",
                &[
                    "/api_key_id",
                    "/redacted_api_key",
                    "/team_id",
                    "/user_id",
                    "/api_key_blocked",
                ],
            )
        }),
        console: "console.x.ai",
        ..bearer("xai", &["XAI_API_KEY"], "https://api.x.ai")
    },
    Provider {
        probe: Some(Probe {
            error_shape: &["/message", "/detail", "/error"],
            ..probe("/v1/models", &["/data"])
        }),
        console: "console.mistral.ai/api-keys",
        ..bearer("mistral", &["MISTRAL_API_KEY"], "https://api.mistral.ai")
    },
    Provider {
        probe: Some(Probe {
            rules: &[Rule {
                status: &[200],
                when: When::Flag(&["/is_available"], false),
                means: LiveNoFunds,
            }],
            ..probe("/user/balance", &["/is_available", "/balance_infos"])
        }),
        console: "platform.deepseek.com/api_keys",
        ..bearer(
            "deepseek",
            &["DEEPSEEK_API_KEY"],
            "https://api.deepseek.com",
        )
    },
    Provider {
        probe: Some(probe("/v1/models", &["", "/data"])),
        console: "api.together.ai/settings/api-keys",
        ..bearer(
            "together",
            &["TOGETHER_API_KEY"],
            "https://api.together.xyz",
        )
    },
    Provider {
        revoke: Revoke::Perplexity,
        console: "perplexity.ai/settings/api",
        ..bearer(
            "perplexity",
            &["PERPLEXITY_API_KEY"],
            "https://api.perplexity.ai",
        )
    },
    Provider {
        probe: Some(Probe {
            method: Method::Post,
            error_shape: &["/message"],
            rules: &[Rule {
                status: &[200],
                when: When::Flag(&["/valid"], false),
                means: Dead,
            }],
            ..probe("/v1/check-api-key", &["/valid"])
        }),
        console: "dashboard.cohere.com/api-keys",
        ..bearer("cohere", &["COHERE_API_KEY"], "https://api.cohere.com")
    },
    Provider {
        probe: Some(probe("/api/whoami-v2", &["/name", "/id"])),
        principal: Some(Place::Body("/id")),
        console: "huggingface.co/settings/tokens",
        ..bearer("huggingface", &["HF_TOKEN"], "https://huggingface.co")
    },
    Provider {
        auth: Auth::Path,
        probe: Some(Probe {
            error_shape: &["/error_code"],
            refused: &[401, 404],
            ..probe("/bot{key}/getMe", &["/result/id"])
        }),
        class: Class::Replace,
        principal: Some(Place::Body("/result/id")),
        id_ends_at: Some(b':'),
        console: "t.me/BotFather",
        ..bearer(
            "telegram",
            &["TELEGRAM_BOT_TOKEN"],
            "https://api.telegram.org",
        )
    },
    Provider {
        auth: Auth::Bot,
        probe: Some(Probe {
            error_shape: &["/message"],
            ..probe("/api/v10/users/@me", &["/id"])
        }),
        class: Class::Replace,
        id_ends_at: Some(b'.'),
        principal: Some(Place::Body("/id")),
        console: "discord.com/developers/applications",
        ..bearer("discord", &["DISCORD_BOT_TOKEN"], "https://discord.com")
    },
    Provider {
        probe: Some(Probe {
            method: Method::Post,
            refused: &[],
            rules: &[
                Rule {
                    status: &[200],
                    when: When::Is(
                        "/error",
                        &[
                            "invalid_auth",
                            "not_authed",
                            "token_revoked",
                            "token_expired",
                            "account_inactive",
                        ],
                    ),
                    means: Dead,
                },
                Rule {
                    status: &[200],
                    when: When::Is(
                        "/error",
                        &["missing_scope", "not_allowed_token_type", "no_permission"],
                    ),
                    means: LiveScoped,
                },
                Rule {
                    status: &[200, 429],
                    when: When::Is("/error", &["ratelimited", "rate_limited"]),
                    means: LiveThrottled,
                },
                Rule {
                    status: &[200],
                    when: When::Flag(&["/ok"], false),
                    means: Verdict::Unknown,
                },
            ],
            ..probe("/api/auth.test", &["/ok"])
        }),
        principal: Some(Place::Body("/team_id")),
        revoke: Revoke::Slack,
        console: "api.slack.com/apps",
        ..bearer("slack", &["SLACK_BOT_TOKEN"], "https://slack.com")
    },
    Provider {
        headers: &[
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ],
        probe: Some(Probe {
            error_shape: &["/message"],
            rules: &[
                Rule {
                    status: &[403, 429],
                    when: When::Says(&["rate limit"]),
                    means: LiveThrottled,
                },
                Rule {
                    status: &[401, 403],
                    when: When::Says(&["ip allow list"]),
                    means: Blocked,
                },
            ],
            ..probe("/user", &["/login", "/id"])
        }),
        principal: Some(Place::Body("/id")),
        expires: Some(Place::Header("github-authentication-token-expiration")),
        revoke: Revoke::GitHub,
        console: "github.com/settings/tokens",
        ..bearer(
            "github",
            &["GITHUB_TOKEN", "COPILOT_GITHUB_TOKEN"],
            "https://api.github.com",
        )
    },
    Provider {
        probe: Some(Probe {
            error_shape: &["/errors"],
            rules: &[
                Rule {
                    status: &[200],
                    when: When::Is("/result/status", &["disabled", "expired"]),
                    means: Dead,
                },
                Rule {
                    status: &[401, 403],
                    when: When::Says(&["from location"]),
                    means: Blocked,
                },
            ],
            ..probe("/client/v4/user/tokens/verify", &["/result/status"])
        }),
        expires: Some(Place::Body("/result/expires_on")),
        revoke: Revoke::Cloudflare,
        console: "dash.cloudflare.com/profile/api-tokens",
        ..bearer(
            "cloudflare",
            &["CLOUDFLARE_API_TOKEN"],
            "https://api.cloudflare.com",
        )
    },
    Provider {
        auth: Auth::Header("xi-api-key"),
        probe: Some(Probe {
            error_shape: &["/detail"],
            refused: &[],
            rules: &[
                Rule {
                    status: &[401, 403],
                    when: When::Says(&["missing_permissions"]),
                    means: LiveScoped,
                },
                Rule {
                    status: &[400, 401],
                    when: When::Says(&["invalid_api_key"]),
                    means: Dead,
                },
                Rule {
                    status: &[401],
                    when: When::Says(&["quota_exceeded"]),
                    means: LiveNoFunds,
                },
                Rule {
                    status: &[401, 403],
                    when: When::Says(&["unusual_activity"]),
                    means: Blocked,
                },
            ],
            ..probe("/v1/user", &["/user_id", "/subscription"])
        }),
        class: Class::Replace,
        principal: Some(Place::Body("/user_id")),
        console: "elevenlabs.io/app/settings/api-keys",
        ..bearer(
            "elevenlabs",
            &["ELEVENLABS_API_KEY"],
            "https://api.elevenlabs.io",
        )
    },
];

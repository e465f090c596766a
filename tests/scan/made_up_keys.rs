//! Keys of every kind, made from a seed at run time, so that no scanner finds one in our sources.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openclaw_sec::key_shapes::openclaw_checksum;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";

/// Makes keys; the same seed makes the same keys.
pub struct Maker {
    rng: StdRng,
}

/// A made-up key.
pub struct Made {
    pub rule: &'static str,
    /// The variable that programs read it from.
    pub variable: &'static str,
    pub value: String,
    /// Whether it is one without a name beside it, too.
    pub is_typed: bool,
}

impl Maker {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
        }
    }

    pub fn number(&mut self, below: usize) -> usize {
        self.rng.random_range(0..below)
    }

    pub fn of(&mut self, alphabet: &str, count: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..count)
            .map(|_| letters[self.rng.random_range(0..letters.len())] as char)
            .collect()
    }

    pub fn alnum(&mut self, count: usize) -> String {
        self.of(&format!("{UPPER}{LOWER}{DIGITS}"), count)
    }

    pub fn word(&mut self, count: usize) -> String {
        self.of(&format!("{UPPER}{LOWER}{DIGITS}_-"), count)
    }

    pub fn hex(&mut self, count: usize) -> String {
        self.of(HEX, count)
    }

    pub fn github(&mut self) -> String {
        let body = self.alnum(30);
        let end = openclaw_checksum(body.as_bytes());
        format!("{}{body}{}", "ghp_", std::str::from_utf8(&end).unwrap())
    }

    pub fn anthropic(&mut self) -> String {
        format!("{}{}AA", "sk-ant-api03-", self.word(93))
    }

    fn openclaw(&mut self) -> String {
        let body = self.alnum(43);
        let end = openclaw_checksum(body.as_bytes());
        format!("{}{body}{}", "claw_", std::str::from_utf8(&end).unwrap())
    }

    fn jwt(&mut self) -> String {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let id = self.alnum(12);
        let body = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{id}","role":"operator"}}"#));
        format!("{head}.{body}.{}", self.word(43))
    }

    fn bedrock(&mut self) -> String {
        let plain = format!("{}{}", "BedrockAPIKey-", self.alnum(82));
        format!("{}{}", "ABSK", STANDARD.encode(plain))
    }

    fn tunnel(&mut self) -> String {
        let (account, secret) = (self.hex(32), self.alnum(40));
        let id = self.uuid();
        STANDARD.encode(format!(r#"{{"a":"{account}","t":"{id}","s":"{secret}"}}"#))
    }

    pub fn uuid(&mut self) -> String {
        let parts: Vec<String> = [8, 4, 4, 4, 12]
            .iter()
            .map(|count| self.hex(*count))
            .collect();
        parts.join("-")
    }

    /// One key of every kind.
    pub fn every_kind(&mut self) -> Vec<Made> {
        let mut all = Vec::new();
        let mut typed = |rule, variable, value| {
            all.push(Made {
                rule,
                variable,
                value,
                is_typed: true,
            })
        };
        typed("anthropic-api-key", "ANTHROPIC_API_KEY", self.anthropic());
        typed(
            "anthropic-admin-key",
            "ANTHROPIC_ADMIN_KEY",
            format!("{}{}AA", "sk-ant-admin01-", self.word(93)),
        );
        typed(
            "anthropic-oauth-token",
            "CLAUDE_CODE_OAUTH_TOKEN",
            format!("{}{}", "sk-ant-oat01-", self.word(95)),
        );
        typed(
            "openai-api-key",
            "OPENAI_API_KEY",
            format!(
                "{}{}{}{}",
                "sk-proj-",
                self.word(74),
                "T3BlbkFJ",
                self.word(74)
            ),
        );
        typed(
            "openai-legacy-key",
            "OPENAI_API_KEY",
            format!(
                "{}{}{}{}",
                "sk-",
                self.alnum(20),
                "T3BlbkFJ",
                self.alnum(20)
            ),
        );
        typed(
            "openrouter-api-key",
            "OPENROUTER_API_KEY",
            format!("{}{}", "sk-or-v1-", self.hex(64)),
        );
        typed(
            "google-api-key",
            "GEMINI_API_KEY",
            format!("{}{}", "AIza", self.word(35)),
        );
        typed(
            "google-gemini-key",
            "GEMINI_API_KEY",
            format!("{}{}", "AQ.Ab8RN6", self.word(44)),
        );
        typed(
            "groq-api-key",
            "GROQ_API_KEY",
            format!("{}{}", "gsk_", self.alnum(52)),
        );
        typed(
            "xai-api-key",
            "XAI_API_KEY",
            format!("{}{}", "xai-", self.alnum(80)),
        );
        typed(
            "together-api-key",
            "TOGETHER_API_KEY",
            format!("{}{}", "tgp_v1_", self.word(43)),
        );
        typed(
            "perplexity-api-key",
            "PERPLEXITY_API_KEY",
            format!("{}{}", "pplx-", self.alnum(48)),
        );
        typed(
            "cerebras-api-key",
            "CEREBRAS_API_KEY",
            format!("{}{}", "csk-", self.of(&format!("{LOWER}{DIGITS}"), 48)),
        );
        typed(
            "nvidia-api-key",
            "NVIDIA_API_KEY",
            format!("{}{}", "nvapi-", self.word(64)),
        );
        typed(
            "replicate-api-key",
            "REPLICATE_API_TOKEN",
            format!("{}{}", "r8_", self.alnum(37)),
        );
        typed(
            "minimax-api-key",
            "MINIMAX_API_KEY",
            format!("{}{}", "sk-api-", self.word(119)),
        );
        typed(
            "vercel-ai-gateway-key",
            "AI_GATEWAY_API_KEY",
            format!("{}{}", "vck_", self.alnum(56)),
        );
        typed(
            "huggingface-token",
            "HF_TOKEN",
            format!("{}{}", "hf_", self.of(&format!("{UPPER}{LOWER}"), 34)),
        );
        typed(
            "elevenlabs-api-key",
            "ELEVENLABS_API_KEY",
            format!("{}{}", "sk_", self.hex(48)),
        );
        typed(
            "brave-api-key",
            "BRAVE_API_KEY",
            format!("{}{}7", "BSA", self.alnum(27)),
        );
        typed(
            "tavily-api-key",
            "TAVILY_API_KEY",
            format!("{}{}", "tvly-", self.alnum(32)),
        );
        typed(
            "firecrawl-api-key",
            "FIRECRAWL_API_KEY",
            format!("{}{}", "fc-", self.hex(32)),
        );
        typed(
            "telegram-bot-token",
            "TELEGRAM_BOT_TOKEN",
            format!(
                "{}{}:AA{}",
                1 + self.number(8),
                self.of(DIGITS, 9),
                self.word(33)
            ),
        );
        let discord = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(format!("1{}", self.of(DIGITS, 17))),
            self.word(6),
            self.word(38)
        );
        typed("discord-bot-token", "DISCORD_BOT_TOKEN", discord);
        typed(
            "slack-bot-token",
            "SLACK_BOT_TOKEN",
            format!(
                "{}{}-{}-{}",
                "xoxb-",
                self.of(DIGITS, 12),
                self.of(DIGITS, 13),
                self.alnum(24)
            ),
        );
        typed(
            "slack-user-token",
            "SLACK_USER_TOKEN",
            format!(
                "{}{}-{}-{}-{}",
                "xoxp-",
                self.of(DIGITS, 12),
                self.of(DIGITS, 12),
                self.of(DIGITS, 12),
                self.hex(32)
            ),
        );
        typed(
            "slack-app-token",
            "SLACK_APP_TOKEN",
            format!(
                "{}{}-{}-{}",
                "xapp-1-A",
                self.of(&format!("{UPPER}{DIGITS}"), 10),
                self.of(DIGITS, 13),
                self.hex(64)
            ),
        );
        typed(
            "slack-webhook",
            "SLACK_WEBHOOK_URL",
            format!(
                "{}{}/B{}/{}",
                "https://hooks.slack.com/services/T",
                self.of(UPPER, 10),
                self.of(UPPER, 10),
                self.alnum(24)
            ),
        );
        typed("github-token", "GITHUB_TOKEN", self.github());
        typed(
            "github-fine-grained-token",
            "GITHUB_TOKEN",
            format!("{}{}_{}", "github_pat_", self.alnum(22), self.alnum(59)),
        );
        typed(
            "gitlab-token",
            "GITLAB_TOKEN",
            format!("{}{}", "glpat-", self.word(20)),
        );
        let npm = self.alnum(30);
        let end = openclaw_checksum(npm.as_bytes());
        typed(
            "npm-token",
            "NPM_TOKEN",
            format!("{}{npm}{}", "npm_", std::str::from_utf8(&end).unwrap()),
        );
        typed(
            "aws-access-key-id",
            "AWS_ACCESS_KEY_ID",
            format!("{}{}", "AKIA", self.of(&format!("{UPPER}234567"), 16)),
        );
        typed(
            "aws-bedrock-key",
            "AWS_BEARER_TOKEN_BEDROCK",
            self.bedrock(),
        );
        typed(
            "cloudflare-api-token",
            "CLOUDFLARE_API_TOKEN",
            format!("{}{}{}", "cfut_", self.alnum(40), self.hex(8)),
        );
        typed(
            "cloudflare-account-token",
            "CLOUDFLARE_API_TOKEN",
            format!("{}{}{}", "cfat_", self.alnum(40), self.hex(8)),
        );
        typed(
            "cloudflare-global-key",
            "CLOUDFLARE_API_KEY",
            format!("{}{}{}", "cfk_", self.alnum(40), self.hex(8)),
        );
        typed("cloudflare-tunnel-token", "TUNNEL_TOKEN", self.tunnel());
        typed(
            "cloudflare-origin-ca",
            "CLOUDFLARE_ORIGIN_CA_KEY",
            format!("{}{}-{}", "v1.0-", self.hex(24), self.hex(146)),
        );
        for (rule, kind) in [
            ("tailscale-auth-key", "auth"),
            ("tailscale-client-key", "client"),
            ("tailscale-api-key", "api"),
        ] {
            typed(
                rule,
                "TS_AUTHKEY",
                format!(
                    "{}{kind}-k{}{}-{}",
                    "tskey-",
                    self.alnum(9),
                    "CNTRL",
                    self.alnum(32)
                ),
            );
        }
        typed(
            "stripe-secret-key",
            "STRIPE_SECRET_KEY",
            format!("{}{}", "sk_live_", self.alnum(99)),
        );
        typed(
            "age-secret-key",
            "SOPS_AGE_KEY",
            format!(
                "{}{}",
                "AGE-SECRET-KEY-1",
                self.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)
            ),
        );
        typed("jwt", "SESSION_TOKEN", self.jwt());
        typed("openclaw-token", "WEB_API_KEY", self.openclaw());
        let mut named = |rule, variable, value| {
            all.push(Made {
                rule,
                variable,
                value,
                is_typed: false,
            })
        };
        named("mistral-api-key", "MISTRAL_API_KEY", self.alnum(32));
        named("cohere-api-key", "COHERE_API_KEY", self.alnum(40));
        named(
            "deepseek-api-key",
            "DEEPSEEK_API_KEY",
            format!("{}{}", "sk-", self.hex(32)),
        );
        named(
            "qwen-api-key",
            "DASHSCOPE_API_KEY",
            format!("{}{}", "sk-", self.hex(32)),
        );
        named(
            "moonshot-api-key",
            "MOONSHOT_API_KEY",
            format!("{}{}", "sk-", self.alnum(48)),
        );
        named(
            "zai-api-key",
            "ZAI_API_KEY",
            format!("{}.{}", self.hex(32), self.alnum(16)),
        );
        named("exa-api-key", "EXA_API_KEY", self.uuid());
        named("deepgram-api-key", "DEEPGRAM_API_KEY", self.hex(40));
        named(
            "fireworks-api-key",
            "FIREWORKS_API_KEY",
            format!("{}{}", "fw_", self.alnum(22)),
        );
        named(
            "voyage-api-key",
            "VOYAGE_API_KEY",
            format!("{}{}", "pa-", self.word(43)),
        );
        named(
            "aws-secret-access-key",
            "AWS_SECRET_ACCESS_KEY",
            self.of(&format!("{UPPER}{LOWER}{DIGITS}+/"), 40),
        );
        named(
            "cloudflare-legacy-token",
            "CLOUDFLARE_API_TOKEN",
            self.word(40),
        );
        named(
            "cloudflare-access-client-secret",
            "CF_ACCESS_CLIENT_SECRET",
            self.hex(64),
        );
        named(
            "openclaw-gateway-token",
            "OPENCLAW_GATEWAY_TOKEN",
            self.hex(48),
        );
        named(
            "openclaw-gateway-password",
            "OPENCLAW_GATEWAY_PASSWORD",
            format!("{}!{}", self.alnum(9), self.alnum(6)),
        );
        let bytes = self.alnum(32);
        named(
            "openclaw-web-api-key",
            "WEB_API_KEY",
            STANDARD.encode(bytes),
        );
        all
    }
}

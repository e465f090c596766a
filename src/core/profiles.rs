//! The five deployments we know, in one table that `firewall` and `check` share.

use std::fmt;

use crate::settings::nearest;

/// How one deployment is reached from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// What the user writes after `--profile`.
    pub id: &'static str,
    /// A short name for headings.
    pub title: &'static str,
    /// One sentence for help texts and tables.
    pub description: &'static str,
    /// What may come in besides ssh.
    pub openings: &'static [ProfileOpening],
}

/// One port that a profile lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileOpening {
    /// Names the rule, for instance `web`.
    pub name: &'static str,
    /// Whether the port is a UDP port; TCP otherwise.
    pub udp: bool,
    /// The port, never 0.
    pub port: u16,
    /// Who may reach it.
    pub source: ProfileSource,
    /// The one interface it counts on; every interface where there is none.
    pub interface: Option<&'static str>,
}

/// Who may reach a port of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileSource {
    /// Everybody.
    Anywhere,
    /// Cloudflare's published networks.
    Cloudflare,
    /// The networks Telegram sends webhooks from.
    Telegram,
}

/// The interface that Tailscale brings up.
pub const TAILSCALE_INTERFACE: &str = "tailscale0";

/// The profile that counts when none is named.
pub const DEFAULT_PROFILE: &str = "vps";

/// Every profile, the default first.
pub const PROFILES: &[Profile] = &[
    Profile {
        id: "vps",
        title: "VPS",
        description: "ssh and https from anywhere, everything else is dropped",
        openings: &[web(ProfileSource::Anywhere, None)],
    },
    Profile {
        id: "cloudflare-origin",
        title: "Origin behind Cloudflare",
        description: "ssh from anywhere, https from Cloudflare's networks only",
        openings: &[web(ProfileSource::Cloudflare, None)],
    },
    Profile {
        id: "cloudflare-tunnel",
        title: "Cloudflare Tunnel",
        description: "ssh from anywhere and nothing else, because the tunnel dials out",
        openings: &[],
    },
    Profile {
        id: "tailscale",
        title: "Tailscale",
        description: "ssh and Tailscale's UDP port from anywhere, web chat only on the tailnet",
        openings: &[
            ProfileOpening {
                name: "tailscale-transport",
                udp: true,
                port: 41641,
                source: ProfileSource::Anywhere,
                interface: None,
            },
            web(ProfileSource::Anywhere, Some(TAILSCALE_INTERFACE)),
        ],
    },
    Profile {
        id: "telegram",
        title: "Telegram webhook",
        description: "ssh from anywhere, https from Telegram's webhook senders only",
        openings: &[web(ProfileSource::Telegram, None)],
    },
];

/// The profile with this id, if there is one.
pub fn find(id: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.id == id)
}

/// The profile with this id.
///
/// # Errors
/// [`UnknownProfile`], which says what there is.
pub fn named(id: &str) -> Result<&'static Profile, UnknownProfile> {
    find(id).ok_or_else(|| UnknownProfile {
        nearest: nearest(id, ids()),
    })
}

/// Every id, the default first.
fn ids() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|profile| profile.id)
}

/// No profile has the id. What was written is not repeated: it may be a pasted key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownProfile {
    nearest: Option<&'static str>,
}

impl fmt::Display for UnknownProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such profile{}", self.hint())
    }
}

impl UnknownProfile {
    /// What there is: ` (did you mean vps?); there are …`, to stand behind any words.
    pub fn hint(&self) -> String {
        let nearest = self.nearest.map(|id| format!(" (did you mean {id}?)"));
        let ids: Vec<&str> = ids().collect();
        format!(
            "{}; there are {}",
            nearest.unwrap_or_default(),
            ids.join(", ")
        )
    }
}

impl std::error::Error for UnknownProfile {}

const fn web(source: ProfileSource, interface: Option<&'static str>) -> ProfileOpening {
    ProfileOpening {
        name: "web",
        udp: false,
        port: 443,
        source,
        interface,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_profile_is_the_first_of_the_table() {
        assert_eq!(PROFILES[0].id, DEFAULT_PROFILE);
    }

    #[test]
    fn an_unknown_profile_names_the_nearest_and_all_and_does_not_repeat_what_was_written() {
        assert_eq!(named("telegram").unwrap().id, "telegram");
        let all = "; there are vps, cloudflare-origin, cloudflare-tunnel, tailscale, telegram";
        for (id, hint) in [("tailscal", " (did you mean tailscale?)"), ("xyz", "")] {
            let said = named(id).unwrap_err().to_string();
            assert_eq!(said, format!("no such profile{hint}{all}"));
        }
    }

    #[test]
    fn no_profile_opens_a_gateway_port_or_quic() {
        for opening in PROFILES.iter().flat_map(|profile| profile.openings) {
            assert!(![3000, 18789].contains(&opening.port));
            assert!(!(opening.udp && opening.port == 443));
        }
    }
}

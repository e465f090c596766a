//! Certificates with one fault each, made for the run and judged at a fixed moment.

use std::path::{Path, PathBuf};
use std::process::Command;

use openclaw_sec::probe::recorded::certificate;
use openclaw_sec::probe::{Certificate, Distrust, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair,
    NameConstraints, date_time_ymd,
};

use crate::NOW;

/// A folder of certificates: `NAME.pem` with the chain, `NAME.key` beside it, and `root.pem`.
pub struct Certificates {
    pub folder: PathBuf,
}

impl Certificates {
    /// Makes them all.
    pub fn make(folder: &Path) -> Self {
        let made = Self {
            folder: folder.to_owned(),
        };
        let root_key = KeyPair::generate().unwrap();
        let root_params = authority("Probe Root");
        let root = root_params.self_signed(&root_key).unwrap();
        made.write("root.pem", &root.pem());
        made.write("root.key", &root_key.serialize_pem());
        let root_issuer = Issuer::new(root_params, root_key);

        let middle_key = KeyPair::generate().unwrap();
        let middle_params = authority("Probe Intermediate");
        let middle = middle_params.signed_by(&middle_key, &root_issuer).unwrap();
        let middle_issuer = Issuer::new(middle_params, middle_key);

        for (name, host, from, to) in [
            ("good", "bot.example", (2026, 5, 1), (2026, 7, 30)),
            ("expired", "bot.example", (2026, 1, 1), (2026, 4, 1)),
            ("future", "bot.example", (2026, 6, 2), (2026, 9, 1)),
            ("expiring", "bot.example", (2026, 3, 10), (2026, 6, 6)),
            ("sixdays", "bot.example", (2026, 5, 29), (2026, 6, 4)),
            ("otherhost", "other.example", (2026, 5, 1), (2026, 7, 30)),
            ("wildcard", "*.home.example", (2026, 5, 1), (2026, 7, 30)),
        ] {
            let (params, key) = leaf(&[host], from, to);
            let leaf = params.signed_by(&key, &middle_issuer).unwrap();
            made.write(&format!("{name}.pem"), &(leaf.pem() + &middle.pem()));
            made.write(&format!("{name}.key"), &key.serialize_pem());
            if name == "good" {
                made.write("nochain.pem", &leaf.pem());
                made.write("nochain.key", &key.serialize_pem());
            }
        }
        let (params, key) = leaf(&["bot.example"], (2026, 5, 1), (2026, 7, 30));
        made.write("selfsigned.pem", &params.self_signed(&key).unwrap().pem());
        made.write("selfsigned.key", &key.serialize_pem());
        made.rsa(&middle_issuer, &middle.pem());
        made.write("dh1024.pem", &openssl(&["dhparam", "-dsaparam", "1024"]));
        made.write("dh2048.pem", &openssl(&["dhparam", "-dsaparam", "2048"]));
        made.weak("rsa1024", "rsa:1024", "-sha256");
        made.weak("sha1", "rsa:2048", "-sha1");
        made
    }

    /// A good certificate with an RSA key, which some suites need.
    fn rsa(&self, issuer: &Issuer<'_, KeyPair>, middle: &str) {
        let secret = openssl(&[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ]);
        let key = KeyPair::from_pem(&secret).unwrap();
        let (params, _) = leaf(&["bot.example"], (2026, 5, 1), (2026, 7, 30));
        let leaf = params.signed_by(&key, issuer).unwrap();
        self.write("rsa2048.pem", &(leaf.pem() + middle));
        self.write("rsa2048.key", &secret);
    }

    /// The bytes of a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    /// What rcgen refuses to make, made by the openssl program: valid from now on, so the caller
    /// judges these at the moment of their making.
    fn weak(&self, name: &str, key: &str, digest: &str) {
        let at = |file: &str| self.folder.join(file).display().to_string();
        let (request, pem, secret) = (
            at(&format!("{name}.csr")),
            at(&format!("{name}.pem")),
            at(&format!("{name}.key")),
        );
        openssl(&[
            "req",
            "-new",
            "-newkey",
            key,
            "-nodes",
            "-keyout",
            &secret,
            "-out",
            &request,
            "-subj",
            "/CN=bot.example",
            "-addext",
            "subjectAltName=DNS:bot.example",
        ]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &at("root.pem"),
            "-CAkey",
            &at("root.key"),
            "-CAcreateserial",
            "-copy_extensions",
            "copy",
            "-days",
            "90",
            digest,
            "-out",
            &pem,
        ]);
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

type Date = (i32, u8, u8);

fn leaf(hosts: &[&str], from: Date, to: Date) -> (CertificateParams, KeyPair) {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "bot.example");
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(to.0, to.1, to.2);
    (params, KeyPair::generate().unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test may start the openssl program"
)]
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A good certificate below an intermediate and a root that are changed so, judged.
fn below(change: fn(&mut CertificateParams, &mut CertificateParams)) -> Certificate {
    let (mut root_params, mut middle_params) = (authority("Root"), authority("Intermediate"));
    change(&mut root_params, &mut middle_params);
    let (root_key, middle_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let root = root_params.self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(root_params, root_key);
    let middle = middle_params.signed_by(&middle_key, &root_issuer).unwrap();
    let middle_issuer = Issuer::new(middle_params, middle_key);
    let (params, key) = leaf(&["bot.example"], (2026, 5, 1), (2026, 7, 30));
    let leaf = params.signed_by(&key, &middle_issuer).unwrap();
    let chain = vec![leaf.der().to_vec(), middle.der().to_vec()];
    let roots = vec![root.der().to_vec()];
    certificate(chain, roots, "bot.example", NOW.parse().unwrap()).unwrap()
}

#[test]
fn a_chain_that_is_broken_is_untrusted_in_words_and_has_no_second_fault() {
    let good = below(|_, _| {});
    assert_eq!(good.trust, Trust::CaFile);
    type Change = fn(&mut CertificateParams, &mut CertificateParams);
    let cases: [(Change, &str); 3] = [
        (
            |_, middle| middle.not_after = date_time_ymd(2021, 1, 1),
            "outside its dates",
        ),
        (
            |_, middle| {
                let other = GeneralSubtree::DnsName("other.example".to_owned());
                middle.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![other],
                    excluded_subtrees: Vec::new(),
                });
            },
            "name constraints",
        ),
        (
            |root, middle| {
                middle.is_ca = IsCa::NoCa;
                root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            },
            "no authority's",
        ),
    ];
    for (change, expected) in cases {
        let found = below(change);
        assert_eq!(found.expired_intermediate, None, "{expected}");
        match found.trust {
            Trust::Nobody(Distrust::Other(words)) => assert!(words.contains(expected), "{words}"),
            trust => panic!("{expected}: {trust:?}"),
        }
    }
}

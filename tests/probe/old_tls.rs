//! What only other TLS implementations still speak: 3DES and RC4 from GnuTLS, SSL 3.0 from a
//! script, TLS 1.0 to 1.2 from haproxy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use openclaw_sec::probe::verdicts::{LiveVerdict, certificate_host, legacy_protocol, weak_cipher};
use openclaw_sec::probe::{EndpointInput, LiveEvidence};

use crate::certificates::Certificates;
use crate::hostile::serve;
use crate::servers::{command, free_ports, is_missing, start};
use crate::{gather, in_words, input};

const PATIENCE: Duration = Duration::from_secs(60);

fn ask(port: u16, certificates: Option<&Certificates>) -> LiveEvidence {
    gather(EndpointInput {
        connect_to: Some(format!("127.0.0.1:{port}")),
        ca_file: certificates.map(|certificates| certificates.read("root.pem")),
        timeout: Duration::from_secs(5),
        ..input("https://bot.example/")
    })
}

/// The subjects of the failures.
fn subjects(verdicts: Vec<LiveVerdict>) -> Vec<String> {
    let subject = |verdict| match verdict {
        LiveVerdict::Fail { subject, .. } => Some(subject),
        _ => None,
    };
    verdicts.into_iter().filter_map(subject).collect()
}

#[test]
fn gnutls_with_3des_and_rc4_is_weak_and_shows_its_certificate() {
    if is_missing("gnutls-serv", "--version", "gnutls-bin")
        || is_missing("openssl", "version", "openssl")
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    for (cipher, expected) in [
        ("3DES-CBC", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
        ("ARCFOUR-128", "TLS_RSA_WITH_RC4_128_SHA"),
    ] {
        let [port] = free_ports();
        let _server = gnutls(folder.path(), port, cipher);
        let evidence = ask(port, Some(&certificates));
        let words = in_words(&evidence);
        assert_eq!(subjects(weak_cipher(&evidence)), [expected], "{words}");
        assert!(legacy_protocol(&evidence)[0].is_pass(), "{words}");
        assert!(certificate_host(&evidence)[0].is_pass(), "{words}");
        let reason = evidence.front.unwrap_err().to_string();
        assert!(reason.contains("only weak TLS"), "{reason}");
    }
}

fn gnutls(folder: &Path, port: u16, cipher: &str) -> crate::servers::Server {
    let mut gnutls = command("gnutls-serv");
    gnutls
        .args(["--quiet", "--http", "--port", &port.to_string()])
        .arg("--x509certfile")
        .arg(folder.join("rsa2048.pem"))
        .arg("--x509keyfile")
        .arg(folder.join("rsa2048.key"))
        .arg("--priority")
        .arg(format!(
            "NONE:+VERS-TLS1.2:+RSA:+{cipher}:+SHA1:+COMP-NULL:+SIGN-ALL:+CTYPE-X509"
        ))
        .stderr(std::process::Stdio::null());
    start(&mut gnutls, &format!("127.0.0.1:{port}"), PATIENCE)
}

#[test]
fn haproxy_refuses_old_versions_as_its_minimum_says() {
    if is_missing("haproxy", "-v", "haproxy") || is_missing("openssl", "version", "openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let chain = [
        certificates.read("rsa2048.pem"),
        certificates.read("rsa2048.key"),
    ];
    std::fs::write(folder.path().join("both.pem"), chain.concat()).unwrap();
    for (minimum, ciphers, old, weak) in [
        (
            "TLSv1.0",
            "ALL:@SECLEVEL=0",
            &["TLS 1.0", "TLS 1.1"][..],
            true,
        ),
        ("TLSv1.1", "ALL:@SECLEVEL=0", &["TLS 1.1"], true),
        ("TLSv1.2", "ALL:@SECLEVEL=0", &[], true),
        ("TLSv1.2", "ECDHE+AESGCM", &[], false),
        ("TLSv1.3", "ECDHE+AESGCM", &[], false),
    ] {
        let [port] = free_ports();
        let configuration = folder.path().join("haproxy.cfg");
        let pem = folder.path().join("both.pem");
        let text = format!(
            "defaults\n mode http\n timeout client 5s\nfrontend f\n bind 127.0.0.1:{port} ssl crt {} ssl-min-ver {minimum} ciphers {ciphers}\n http-request return status 200\n",
            pem.display()
        );
        std::fs::write(&configuration, text).unwrap();
        let mut haproxy = command("haproxy");
        haproxy.arg("-db").arg("-f").arg(&configuration);
        let _server = start(&mut haproxy, &format!("127.0.0.1:{port}"), PATIENCE);
        let evidence = ask(port, Some(&certificates));
        let words = in_words(&evidence);
        assert_eq!(
            subjects(legacy_protocol(&evidence)),
            old,
            "{minimum}: {words}"
        );
        let found = subjects(weak_cipher(&evidence));
        assert_eq!(!found.is_empty(), weak, "{minimum} {ciphers}: {words}");
        assert!(evidence.tls.is_ok(), "{words}");
    }
}

/// Takes up every hello of SSL 3.0 and refuses all others with an alert.
fn ssl3(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut hello = [0; 11];
    stream.read_exact(&mut hello)?;
    if hello[9..] != [3, 0] {
        return stream.write_all(&[21, 3, 0, 0, 2, 2, 70]);
    }
    // A ServerHello with RC4, cut into records of one byte each.
    let mut message = vec![2, 0, 0, 38, 3, 0];
    message.extend([7; 32]);
    message.extend([0, 0, 5, 0]);
    for byte in message {
        stream.write_all(&[22, 3, 0, 0, 1, byte])?;
    }
    // What follows the hello never comes.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).map(|_| ())
}

#[test]
fn ssl3_is_found_although_its_hello_is_cut_and_nothing_follows() {
    let (port, _) = serve(ssl3);
    let evidence = ask(port, None);
    let words = in_words(&evidence);
    assert_eq!(subjects(legacy_protocol(&evidence)), ["SSL 3.0"], "{words}");
    assert_eq!(
        subjects(weak_cipher(&evidence)),
        ["TLS_RSA_WITH_RC4_128_SHA"],
        "{words}"
    );
    let verdicts = certificate_host(&evidence);
    assert!(
        matches!(verdicts[..], [LiveVerdict::Unknown { .. }]),
        "{words}"
    );
}

//! TLS with exactly one client: the Terraform that started this process.
//!
//! Terraform's certificate is a self-signed authority used as a leaf, which the usual rules refuse. Both sides made
//! their certificate for this one connection, so the rule here is simpler: it is the very certificate that stood in the
//! environment, and its owner signs the handshake.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

/// What the server side of the connection needs.
pub(super) struct Identity {
    /// Configuration of the acceptor.
    pub(super) config: Arc<ServerConfig>,
    /// Our certificate, for the line on stdout.
    pub(super) certificate: Vec<u8>,
}

/// Makes a certificate for this process, to be used with the client of this certificate alone.
///
/// # Errors
/// When the certificate cannot be read or the keys cannot be made.
pub(super) fn identity(client_pem: &str) -> Result<Identity, Box<dyn std::error::Error + Send + Sync>> {
    let client = CertificateDer::from_pem_slice(client_pem.as_bytes())?;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    params.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.self_signed(&key)?.der().clone();
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(OnlyTerraform { client, algorithms: crypto.signature_verification_algorithms });
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = server_config(crypto)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.clone()], private)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Identity { config: Arc::new(config), certificate: certificate.to_vec() })
}

fn server_config(
    crypto: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, Error> {
    ServerConfig::builder_with_provider(crypto).with_protocol_versions(&[&rustls::version::TLS13])
}

#[derive(Debug)]
struct OnlyTerraform {
    client: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for OnlyTerraform {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if *leaf == self.client {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

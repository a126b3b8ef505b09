package wechatsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// A Certificate is a platform certificate (微信支付平台证书) and, unlike what a merchant gets, its private key.
type Certificate struct {
	Serial string // 40 hex digits
	PEM    []byte
	From   time.Time // not used before
	Until  time.Time // not used after

	keyPEM []byte
}

// certificateLife is five years, as WeChat Pay publishes it.
const certificateLife = 5

// IssueCertificate gives WeChat Pay a platform certificate that it signs with from a time on, for five years; before,
// it keeps it to itself. A merchant with two of them sees WeChat Pay change over. Save keeps them.
func (m *Merchant) IssueCertificate(from time.Time) error {
	if err := m.makeRoot(from); err != nil {
		return fmt.Errorf("issue certificate: %w", err)
	}
	root, rootKey, err := parseCertificate(m.RootPEM, m.rootKeyPEM)
	if err != nil {
		return fmt.Errorf("issue certificate: root: %w", err)
	}
	c, keyPEM, err := newCertificate(&x509.Certificate{
		Subject: tenpay("Tenpay.com sign"), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		NotBefore: from, NotAfter: from.AddDate(certificateLife, 0, 0),
	}, root, rootKey)
	if err != nil {
		return fmt.Errorf("issue certificate: %w", err)
	}
	made, err := readCertificate(c, keyPEM)
	if err != nil {
		return fmt.Errorf("issue certificate: %w", err)
	}
	m.Certificates = append(slices.Clip(m.Certificates), made) // copies of m share nothing
	return nil
}

// makeRoot makes the issuer of all platform certificates, once.
func (m *Merchant) makeRoot(from time.Time) error {
	if m.RootPEM != nil {
		return nil
	}
	const life = 30 // years
	var err error
	m.RootPEM, m.rootKeyPEM, err = newCertificate(&x509.Certificate{
		Subject: tenpay("Tenpay.com Root CA"), KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
		NotBefore: from.AddDate(-1, 0, 0), NotAfter: from.AddDate(life, 0, 0),
	}, nil, nil)
	return err
}

func tenpay(commonName string) pkix.Name {
	return pkix.Name{Country: []string{"CN"}, Organization: []string{"Tenpay.com"}, CommonName: commonName}
}

// newCertificate makes a key and a certificate for it, signed by parent or, without one, by itself.
func newCertificate(c, parent *x509.Certificate, parentKey *rsa.PrivateKey) (certPEM, keyPEM []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, nil, fmt.Errorf("make an RSA key: %w", err)
	}
	if parent == nil {
		parent, parentKey = c, key
	}
	c.SerialNumber = newSerial()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate: %w", err)
	}
	keyPEM, _, err = encodeKeyPair(key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM, err
}

// newSerial has 40 hex digits. A first digit of 1 to 7 fills them all and keeps DER's 20 bytes positive.
func newSerial() *big.Int {
	serial, _ := new(big.Int).SetString(randomOf("1234567", 1)+randomOf("0123456789ABCDEF", 39), 16)
	return serial
}

// readCertificate takes from a certificate's own text what there is to know.
func readCertificate(certPEM, keyPEM []byte) (Certificate, error) {
	c, _, err := parseCertificate(certPEM, keyPEM)
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{Serial: fmt.Sprintf("%040X", c.SerialNumber), PEM: certPEM, From: c.NotBefore, Until: c.NotAfter,
		keyPEM: keyPEM}, nil
}

func parseCertificate(certPEM, keyPEM []byte) (*x509.Certificate, *rsa.PrivateKey, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, nil, errors.New("not a PEM file of type CERTIFICATE")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := parsePrivateKey(keyPEM)
	if err != nil {
		return nil, nil, err
	}
	if !key.PublicKey.Equal(c.PublicKey) {
		return nil, nil, errors.New("the private key is not the certificate's")
	}
	return c, key, nil
}

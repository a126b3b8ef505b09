package wechat

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// keyBits is the least size of an RSA key: the scheme is WECHATPAY2-SHA256-RSA2048.
const keyBits = 2048

// ParsePrivateKey reads apiclient_key.pem. Its errors are one line that says what to mend; they repeat
// nothing of the text.
func ParsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	block, err := decodePEM(text, "apiclient_key.pem")
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "PRIVATE KEY":
	case "RSA PRIVATE KEY":
		return nil, errors.New("this key is PKCS#1, PKCS#8 is needed; convert it: " +
			"openssl pkcs8 -topk8 -nocrypt -in OLD.pem -out apiclient_key.pem")
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("this key is encrypted; decrypt it: openssl pkcs8 -in OLD.pem -out apiclient_key.pem")
	case "CERTIFICATE":
		return nil, errors.New("this is a certificate (apiclient_cert.pem); choose apiclient_key.pem beside it")
	case "PUBLIC KEY":
		return nil, errors.New("this is a public key; choose apiclient_key.pem")
	default:
		return nil, fmt.Errorf("this is a PEM of kind %.40q; choose apiclient_key.pem", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the file is damaged inside; take apiclient_key.pem from its backup")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("this is not an RSA key; choose apiclient_key.pem")
	}
	if err := checkSize(private.N.BitLen()); err != nil {
		return nil, err
	}
	return private, nil
}

// ParsePublicKey reads pub_key.pem, the WeChat Pay public key (微信支付公钥), with errors as of [ParsePrivateKey].
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	block, err := decodePEM(text, "pub_key.pem")
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "PUBLIC KEY":
	case "RSA PUBLIC KEY":
		return nil, errors.New("this key is PKCS#1, PKIX is needed; convert it: " +
			"openssl rsa -RSAPublicKey_in -in OLD.pem -pubout -out pub_key.pem")
	case "CERTIFICATE":
		return nil, errors.New("this is a certificate; download pub_key.pem from the merchant platform " +
			"(商户平台 → API安全 → 微信支付公钥)")
	case "PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("this is a private key; choose pub_key.pem")
	default:
		return nil, fmt.Errorf("this is a PEM of kind %.40q; choose pub_key.pem", block.Type)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the file is damaged inside; download pub_key.pem again")
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("this is not an RSA key; choose pub_key.pem")
	}
	if err := checkSize(public.N.BitLen()); err != nil {
		return nil, err
	}
	return public, nil
}

func decodePEM(text []byte, file string) (*pem.Block, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) // the mark that Windows editors put first
	if block, _ := pem.Decode(text); block != nil {
		return block, nil
	}
	switch {
	case len(text) == 0:
		return nil, fmt.Errorf("is empty; choose %s", file)
	case text[0] == 0x30: // an ASN.1 SEQUENCE, as .p12 and .der files begin
		return nil, fmt.Errorf("is a binary file, perhaps apiclient_cert.p12; choose %s", file)
	case bytes.Contains(text, []byte("-----BEGIN")):
		return nil, fmt.Errorf("the PEM has lost its line breaks or a part of it; name the file itself, file:%s", file)
	}
	return nil, fmt.Errorf(`has no "-----BEGIN" line; choose %s`, file)
}

func checkSize(bits int) error {
	if bits < keyBits {
		return fmt.Errorf("the key has %d bits, WeChat Pay's have %d", bits, keyBits)
	}
	return nil
}

package wechat

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/validators"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// A certificateList is the answer to GET /v3/certificates (doc 4012551764). What it says of times is left out: they stand
// in the certificates.
type certificateList struct {
	Data []struct {
		Serial    string   `json:"serial_no"`
		Encrypted resource `json:"encrypt_certificate"`
	} `json:"data"`
}

// certificateIssuer is who issues WeChat Pay's platform certificates ("Tenpay.com Root CA").
const certificateIssuer = "Tenpay.com"

// openCertificates decrypts the list. That it is WeChat Pay's is shown by the API v3 key: nobody else has it.
func openCertificates(body []byte, apiV3Key string) (map[string]certificate, error) {
	var list certificateList
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decode it: %w", err)
	}
	opened := make(map[string]certificate)
	for _, x := range list.Data {
		if x.Encrypted.Algorithm != algorithm {
			continue // SM2, of the national algorithms, which only asking for it brings
		}
		if len(x.Encrypted.Nonce) != nonceLen {
			return nil, fmt.Errorf("nonce has %d bytes, want %d", len(x.Encrypted.Nonce), nonceLen)
		}
		text, err := utils.DecryptAES256GCM(apiV3Key, x.Encrypted.AssociatedData, x.Encrypted.Nonce, x.Encrypted.Ciphertext)
		if err != nil {
			return nil, errSealed
		}
		serial := strings.ToUpper(x.Serial)
		if opened[serial], err = parseCertificate([]byte(text), serial); err != nil {
			return nil, fmt.Errorf("certificate %.40q: %w", x.Serial, err)
		}
	}
	if len(opened) == 0 {
		return nil, errors.New("it is empty")
	}
	return opened, nil
}

// parseCertificate reads the PEM of a platform certificate that has this serial.
func parseCertificate(text []byte, serial string) (certificate, error) {
	block, rest := pem.Decode(bytes.TrimSpace(text))
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return certificate{}, errors.New("it is not one PEM of kind CERTIFICATE")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return certificate{}, errors.New("it is damaged inside")
	}
	if got := fmt.Sprintf("%040X", c.SerialNumber); got != serial {
		return certificate{}, fmt.Errorf("it has the serial %.64s inside", got)
	}
	if !slices.Contains(c.Issuer.Organization, certificateIssuer) {
		return certificate{}, fmt.Errorf("its issuer is %.64q, not %s", c.Issuer.String(), certificateIssuer)
	}
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return certificate{}, errors.New("its key is not an RSA key")
	}
	if err := checkSize(key.N.BitLen()); err != nil {
		return certificate{}, err
	}
	return certificate{
		key: key, verifier: verifiers.NewSHA256WithRSAPubkeyVerifier(serial, *key), from: c.NotBefore, until: c.NotAfter,
	}, nil
}

// verifyAnswer checks the signature of an answer with one of the certificates.
func verifyAnswer(h http.Header, body []byte, with map[string]certificate) error {
	if _, rejection := checkTime(h); rejection != nil {
		return rejection
	}
	return validators.NewWechatPayResponseValidator(onlyKnown{with}).Validate(context.Background(), // nothing waits in it
		&http.Response{Header: h, Body: io.NopCloser(bytes.NewReader(body))})
}

// onlyKnown verifies with certificates without looking for others.
type onlyKnown struct{ certificates map[string]certificate }

func (onlyKnown) GetSerial(context.Context) (string, error) { return "", errNoSerial }

func (k onlyKnown) Verify(ctx context.Context, serial, message, signature string) error {
	serial = strings.ToUpper(serial)
	c, ok := k.certificates[serial]
	if !ok {
		return rejected(UnknownKey, "it is signed with %.64q, which it does not bring", serial)
	}
	if err := c.verifier.Verify(ctx, serial, message, signature); err != nil {
		return rejected(Forged, "it is not signed with the key of %s", serial)
	}
	return nil
}

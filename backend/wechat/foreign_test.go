package wechat

import (
	"crypto/rand"
	"crypto/x509"
	names "crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
)

// A foreigner is a certificate that somebody else issued.
type foreigner struct{ serial, text string }

func foreign(t *testing.T) foreigner {
	t.Helper()
	key := keys().strangers
	c := &x509.Certificate{
		SerialNumber: new(big.Int).Lsh(big.NewInt(0x71), 152), Subject: names.Name{Organization: []string{"Example"}},
		NotBefore: bubble(), NotAfter: bubble().AddDate(5, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return foreigner{fmt.Sprintf("%040X", c.SerialNumber), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

package wechatsim

import (
	"errors"
	"fmt"
	"slices"
)

// A Credential is a merchant API certificate (商户API证书), as far as requests need it: its serial and its private key.
type Credential struct {
	Serial        string // 40 hex digits
	PrivateKeyPEM []byte // PKCS#8 "PRIVATE KEY"
}

// credentialState is one in the simulator's memory.
type credentialState struct {
	Serial  string `json:"serial"`
	Private string `json:"private_key"`
}

// credentialsMax is how many merchant API certificates are valid at once, as WeChat Pay publishes it.
const credentialsMax = 3

// IssueCredential gives the merchant another API certificate, valid beside those that it has, as one does to change the
// key without losing a request. It is to be called before New. Save keeps it.
func (m *Merchant) IssueCredential() (Credential, error) {
	if 1+len(m.Others) >= credentialsMax {
		return Credential{}, errors.New("issue credential: the merchant has as many as can be valid at once")
	}
	private, _, err := newKeyPair(keyBits)
	if err != nil {
		return Credential{}, fmt.Errorf("issue credential: %w", err)
	}
	c := Credential{Serial: randomOf("0123456789ABCDEF", 40), PrivateKeyPEM: private}
	m.Others = append(slices.Clip(m.Others), c) // copies of m share nothing
	return c, nil
}

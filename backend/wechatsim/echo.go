package wechatsim

import (
	"crypto/rsa"
	"slices"
	"time"
)

// echoWaits are the waits before each of the 9 resends of an echo's callback.
func echoWaits() []time.Duration {
	const s = time.Second
	return []time.Duration{15 * s, 15 * s, 30 * s, 180 * s, 1800 * s, 1800 * s, 1800 * s, 1800 * s, 3600 * s}
}

// An Echo is one self-test of a merchant that asked for a callback.
type Echo struct {
	Message   string
	NotifyURL string
	At        time.Time
	Callbacks []Delivery // oldest first
}

// echoNotice is the content of an echo's callback. It spells the second field unlike the API does.
type echoNotice struct {
	EchoMessage        string `json:"echo_message"`
	EncryptEchoMessage string `json:"encrypt_echo_message,omitempty"`
}

func (x echoNotice) withWrongAmount() message   { return x } // there is none
func (x echoNotice) withOtherMerchant() message { return x } // it names none

// echo is the self-test of a merchant (POST /v3/security/echo): it says again what it was told, signed by the key that
// Wechatpay-Serial names, and once more in a callback.
func (s *Server) echo(c call) (result, error) {
	var q struct {
		NotifyURL string `json:"notify_url"`
		Message   string `json:"echo_message"`
		Encrypted string `json:"encrypted_echo_message"`
	}
	if _, err := decode(c.body, []field{
		{name: "notify_url", kind: text, form: formNotifyURL},
		{name: "echo_message", kind: text, required: true},
		{name: "encrypted_echo_message", kind: text},
	}, &q); err != nil {
		return nil, err
	}
	key, err := s.namedSigner(c)
	if err != nil {
		return nil, err
	}
	secret, err := s.echoSecret(key.key, q.Encrypted)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.NotifyURL != "" {
		e := &Echo{Message: q.Message, NotifyURL: q.NotifyURL, At: c.now}
		s.echoes = append(s.echoes, e)
		s.announce(notification{id: newID(), createdAt: c.now, url: q.NotifyURL, event: "SECURITY_ECHO.SUCCESS",
			kind: "security", content: echoNotice{q.Message, secret}, waits: echoWaits(), serial: key.serial,
			record: &e.Callbacks})
	}
	return struct {
		EchoMessage          string `json:"echo_message"`
		EncryptedEchoMessage string `json:"encrypted_echo_message,omitempty"`
	}{q.Message, secret}, nil
}

// echoSecret opens the secret message and encrypts it again for the merchant.
func (s *Server) echoSecret(key *rsa.PrivateKey, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	plain, err := unwrap(key, sealed)
	if err != nil {
		return "", refuseField(numberParameter, "/encrypted_echo_message", sealed, "敏感信息解密失败")
	}
	return wrap(s.keys.merchant, plain)
}

// Echoes are all self-tests that asked for a callback, the oldest first.
func (s *Server) Echoes() []Echo {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Echo, 0, len(s.echoes))
	for _, e := range s.echoes {
		c := *e
		c.Callbacks = slices.Clone(e.Callbacks)
		list = append(list, c)
	}
	return list
}

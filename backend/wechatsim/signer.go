package wechatsim

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A CertificateMode says by which keys a merchant knows WeChat Pay.
type CertificateMode int

// The modes in which merchants are.
const (
	// PublicKeyOnly is every merchant opened since the end of 2024: GET /v3/certificates answers 404.
	PublicKeyOnly CertificateMode = iota
	// CertificatesOnly is a merchant of before, who has no public key.
	CertificatesOnly
	// Switching is a merchant on the way from certificates to the public key. An answer is signed by the public key
	// when the request's Wechatpay-Serial names it, otherwise by a certificate; callbacks are signed by either.
	Switching
)

// Signing says which keys sign while there is a choice.
type Signing struct {
	// PublicKeyShare is how many of 100 callbacks the public key signs while the merchant is Switching; the others are
	// signed by a certificate. 50 is one by one, and the default.
	PublicKeyShare int `json:"public_key_share"`
	// NewestShare is how many of 100 signatures by certificate are of the newest one that is valid; the others are of
	// the one before it. 100 is the default.
	NewestShare int `json:"newest_share"`
}

// SetSigning sets the shares. They are spread evenly, not by chance: a share of 25 is every fourth.
func (s *Server) SetSigning(x Signing) error {
	if x.PublicKeyShare < 0 || x.PublicKeyShare > 100 || x.NewestShare < 0 || x.NewestShare > 100 {
		return fmt.Errorf("simulator: %w", errShare)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signing.Signing = x
	return nil
}

var errShare = errors.New("a share is 0 to 100")

// Signing is which keys sign while there is a choice.
func (s *Server) Signing() Signing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signing.Signing
}

// signing is Signing and how far its shares are used up.
type signing struct {
	Signing
	publicKey, newest tally
}

// A tally spreads a share of 100 evenly over occasions.
type tally int

func (t *tally) next(share int) bool {
	*t += tally(share)
	if *t < 100 {
		return false
	}
	*t -= 100
	return true
}

// A signer is a private key of WeChat Pay and the serial by which merchants know its other half.
type signer struct {
	serial string
	key    *rsa.PrivateKey
}

// A platformKey is a signer whose time is limited.
type platformKey struct {
	signer
	pem         []byte
	from, until time.Time
}

var errNoCertificate = errors.New("no platform certificate is valid at this time")

// signerOfAnswer is who signs the answer to a request.
func (s *Server) signerOfAnswer(h http.Header, now time.Time) (signer, error) {
	if s.mode == PublicKeyOnly {
		return s.publicKey(), nil
	}
	if named, known := s.signerOf(h.Get("Wechatpay-Serial"), now); known {
		return named, nil
	}
	return s.certificateSigner(now)
}

// signerOfCallback is who signs the next send of a callback, unless that is bound to one serial.
func (s *Server) signerOfCallback(serial string, now time.Time) (signer, error) {
	if named, known := s.signerOf(serial, now); known {
		return named, nil
	}
	s.mu.Lock()
	byPublicKey := s.mode == PublicKeyOnly || s.mode == Switching && s.signing.publicKey.next(s.signing.PublicKeyShare)
	s.mu.Unlock()
	if byPublicKey {
		return s.publicKey(), nil
	}
	return s.certificateSigner(now)
}

func (s *Server) publicKey() signer { return signer{s.merchant.PublicKeyID, s.keys.wechat} }

// signerOf is the owner of a serial, if this merchant may know it now.
func (s *Server) signerOf(serial string, now time.Time) (signer, bool) {
	if serial == s.merchant.PublicKeyID && s.mode != CertificatesOnly {
		return s.publicKey(), true
	}
	for _, k := range s.platformKeys(now) {
		if k.serial == serial {
			return k.signer, true
		}
	}
	return signer{}, false
}

// namedSigner is the owner of the serial that a request must name.
func (s *Server) namedSigner(c call) (signer, error) {
	serial := c.Header.Get("Wechatpay-Serial")
	if serial == "" {
		return signer{}, invalidRequest("Http头缺少Wechatpay-Serial")
	}
	named, known := s.signerOf(serial, c.now)
	if !known {
		return signer{}, invalidRequest("Http头Wechatpay-Serial有误：不是微信支付的公钥ID或平台证书序列号")
	}
	return named, nil
}

// platformKeys are those of the certificates that are valid, the oldest first.
func (s *Server) platformKeys(now time.Time) []platformKey {
	var list []platformKey
	if s.mode == PublicKeyOnly {
		return nil
	}
	for _, k := range s.keys.platform {
		if !now.Before(k.from) && !now.After(k.until) {
			list = append(list, k)
		}
	}
	return list
}

// certificateSigner is one of the two newest certificates.
func (s *Server) certificateSigner(now time.Time) (signer, error) {
	keys := s.platformKeys(now)
	switch len(keys) {
	case 0:
		return signer{}, errNoCertificate
	case 1:
		return keys[0].signer, nil
	}
	s.mu.Lock()
	newest := s.signing.newest.next(s.signing.NewestShare)
	s.mu.Unlock()
	if newest {
		return keys[len(keys)-1].signer, nil
	}
	return keys[len(keys)-2].signer, nil
}

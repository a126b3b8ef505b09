package wechatsim

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

const (
	digits       = "0123456789"
	alphanumeric = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// randomOf is n characters drawn evenly from an alphabet.
func randomOf(alphabet string, n int) string {
	limit := big.NewInt(int64(len(alphabet)))
	text := make([]byte, n)
	for i := range text {
		k, err := rand.Int(rand.Reader, limit)
		if err != nil {
			panic(err) // crypto/rand.Reader never fails: the program would have died before
		}
		text[i] = alphabet[k.Int64()]
	}
	return string(text)
}

// sign is base64(RSASSA-PKCS1-v1_5 with SHA-256), the only algorithm of this mode.
func sign(key *rsa.PrivateKey, message []byte) (string, error) {
	sum := sha256.Sum256(message)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// verify is the other half of sign. A text that is not base64 is a wrong signature like any other.
func verify(key *rsa.PublicKey, message []byte, signature string) error {
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	sum := sha256.Sum256(message)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}

// seal encrypts as AEAD_AES_256_GCM: the tag of 16 bytes stands at the end, all in base64.
func seal(key []byte, nonce, associated string, plain []byte) (string, error) {
	aead, err := newGCM(key)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if len(nonce) != aead.NonceSize() {
		return "", fmt.Errorf("seal: nonce has %d bytes, want %d", len(nonce), aead.NonceSize())
	}
	return base64.StdEncoding.EncodeToString(aead.Seal(nil, []byte(nonce), plain, []byte(associated))), nil
}

// wrap encrypts a sensitive field, as unwrap expects it.
func wrap(key *rsa.PublicKey, plain string) (string, error) {
	raw, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, []byte(plain), nil)
	if err != nil {
		return "", fmt.Errorf("wrap: %w", err)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// unwrap decrypts a sensitive field: RSA-OAEP with SHA-1 in both places, as all official clients encrypt.
func unwrap(key *rsa.PrivateKey, sealed string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", fmt.Errorf("unwrap: %w", err)
	}
	plain, err := rsa.DecryptOAEP(sha1.New(), nil, key, raw, nil)
	if err != nil {
		return "", fmt.Errorf("unwrap: %w", err)
	}
	return string(plain), nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// encodeKeyPair writes both halves as WeChat Pay hands them out: PKCS#8 "PRIVATE KEY" and PKIX "PUBLIC KEY".
func encodeKeyPair(key *rsa.PrivateKey) (private, public []byte, err error) {
	privateDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode private key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("encode public key: %w", err)
	}
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})
	public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})
	return private, public, nil
}

func parsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("not a PEM file of type PRIVATE KEY (PKCS#8)")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key is a %T, want RSA", parsed)
	}
	return key, nil
}

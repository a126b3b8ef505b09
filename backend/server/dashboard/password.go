package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id hashes passwords by RFC 9106. Make one with [NewArgon2id].
type Argon2id struct {
	memory uint32 // KiB
	passes uint32
	decoy  string        // hash of nothing, for names that are unknown
	turns  chan struct{} // bounds how many hashes are made at once: each takes its memory
}

// OWASP's second choice of 2024: 19 MiB, two passes, some 30 ms of one core.
const (
	argonMemory = 19 << 10
	argonPasses = 2
	argonAtOnce = 4
	saltLen     = 16
	keyLen      = 32
)

// NewArgon2id returns the hash with the strength that passwords of today need.
func NewArgon2id() *Argon2id {
	a := &Argon2id{memory: argonMemory, passes: argonPasses, turns: make(chan struct{}, argonAtOnce)}
	a.decoy = a.encode(make([]byte, saltLen), make([]byte, keyLen))
	return a
}

// Hash implements [pay.Passwords]. The result is in the usual form, $argon2id$v=19$m=…,t=…,p=1$salt$key.
func (a *Argon2id) Hash(password string) (string, error) {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails
	return a.encode(salt, a.key(password, salt, a.memory, a.passes)), nil
}

// Verify implements [pay.Passwords].
func (a *Argon2id) Verify(hash, password string) bool {
	known := hash != ""
	if !known {
		hash = a.decoy
	}
	memory, passes, salt, key, err := parse(hash)
	if err != nil {
		return false
	}
	same := subtle.ConstantTimeCompare(key, a.key(password, salt, memory, passes)) == 1
	return same && known
}

func (a *Argon2id) key(password string, salt []byte, memory, passes uint32) []byte {
	a.turns <- struct{}{}
	defer func() { <-a.turns }()
	return argon2.IDKey([]byte(password), salt, passes, memory, 1, keyLen)
}

func (a *Argon2id) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, a.memory, a.passes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

func parse(hash string) (memory, passes uint32, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, nil, nil, fmt.Errorf("not a hash of argon2id")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &memory, &passes); err != nil {
		return 0, 0, nil, nil, fmt.Errorf("parameters of argon2id: %w", err)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return 0, 0, nil, nil, fmt.Errorf("salt of argon2id: %w", err)
	}
	key, err = base64.RawStdEncoding.DecodeString(parts[5])
	return memory, passes, salt, key, err
}

// easy are letters and digits that nobody mistakes for another.
const easy = "abcdefghjkmnpqrstuvwxyz23456789"

// NewPassword makes a password that is easy to type and to read out: 80 bits, in groups of four.
func NewPassword() string {
	random := make([]byte, 64)
	_, _ = rand.Read(random) // never fails
	var b strings.Builder
	for _, r := range random {
		if int(r) >= 256-256%len(easy) {
			continue // would favour some letters
		}
		if b.Len()%5 == 4 {
			b.WriteByte('-')
		}
		b.WriteByte(easy[int(r)%len(easy)])
		if b.Len() == 4*4+3 {
			break
		}
	}
	return b.String()
}

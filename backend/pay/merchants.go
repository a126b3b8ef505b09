package pay

import (
	"crypto/subtle"
	"slices"
	"sync/atomic"
)

// Merchants is the directory of the merchants that this program serves. What it holds may be replaced while it is in
// use: each look-up sees one state of it, whole. A look-up costs the same however many merchants there are.
//
// The books may know merchants that the directory does not know any more. Their orders stay as they are: no callback
// is taken for them and the sweep passes them by, until they are back: see [Cashier.Stranded].
type Merchants struct{ held atomic.Pointer[listing] }

// A listing is one state of a directory. It is never altered.
type listing struct {
	all           []Merchant
	byID          map[MerchantID]*Merchant
	byPublishable map[string]*Merchant
	bySecret      map[secretPrefix][]*Merchant
	origins       map[string]bool
}

// A secretPrefix leads to the few merchants whose secret key may be the one that was presented.
type secretPrefix [8]byte

func prefixOf(d Digest) secretPrefix { return secretPrefix(d[:len(secretPrefix{})]) }

// NewMerchants returns a directory of the list, whose ids and keys must differ.
func NewMerchants(list []Merchant) *Merchants {
	ms := &Merchants{}
	ms.Replace(list)
	return ms
}

// Replace puts the list in the place of what the directory holds. What was found before stays as it was found.
func (ms *Merchants) Replace(list []Merchant) {
	l := &listing{
		all:           slices.Clone(list),
		byID:          make(map[MerchantID]*Merchant, len(list)),
		byPublishable: make(map[string]*Merchant, len(list)),
		bySecret:      make(map[secretPrefix][]*Merchant, len(list)),
		origins:       make(map[string]bool),
	}
	for i := range l.all {
		m := &l.all[i]
		l.byID[m.ID], l.byPublishable[m.PublishableKey] = m, m
		prefix := prefixOf(m.SecretDigest)
		l.bySecret[prefix] = append(l.bySecret[prefix], m)
		for _, origin := range m.Origins {
			l.origins[origin] = true
		}
	}
	ms.held.Store(l)
}

func (ms *Merchants) now() *listing { return ms.held.Load() }

// All returns all merchants, in the order of the list.
func (ms *Merchants) All() []Merchant { return slices.Clone(ms.now().all) }

// ByID finds a merchant by its id.
func (ms *Merchants) ByID(id MerchantID) (Merchant, bool) { return found(ms.now().byID[id]) }

// ByPublishableKey finds the merchant in whose page the key stands.
func (ms *Merchants) ByPublishableKey(key string) (Merchant, bool) {
	return found(ms.now().byPublishable[key])
}

// BySecretKey finds the merchant that holds the key. The time taken tells nothing about the keys: the look-up is by a
// part of the SHA-256 digest of what was presented, so a guess that is close to a key leads as far away as any other,
// and digests that agree in that part are compared in constant time.
func (ms *Merchants) BySecretKey(key string) (Merchant, bool) {
	digest := DigestOf(key)
	var holder *Merchant
	for _, m := range ms.now().bySecret[prefixOf(digest)] {
		if subtle.ConstantTimeCompare(m.SecretDigest[:], digest[:]) == 1 {
			holder = m
		}
	}
	return found(holder)
}

// AnyAllows reports whether some merchant allows the origin. A preflight request does not yet say which merchant it is
// about.
func (ms *Merchants) AnyAllows(origin string) bool { return ms.now().origins[origin] }

// holds returns an error unless the attempt's merchant still has the WeChat Pay account that the attempt is of. Another
// account does not know the attempt's number, which must not be taken for "nobody can have paid".
func (c *Cashier) holds(a Attempt) error {
	m, ok := c.Merchants.ByID(a.Merchant)
	switch {
	case !ok:
		return &Error{Code: Unavailable, Message: "the merchant is not configured on this server now"}
	case m.MchID != a.MchID || m.SubMchID != a.SubMchID:
		return &Error{Code: Unavailable, Message: "the merchant has another WeChat Pay account now than this payment goes to"}
	}
	return nil
}

func found(m *Merchant) (Merchant, bool) {
	if m == nil {
		return Merchant{}, false
	}
	return *m, true
}

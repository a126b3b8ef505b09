package dashboard

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"saoma/backend/pay"
)

const keysPath = Prefix + "keys"

// A keysView is the list of secret keys.
type keysView struct {
	Keys       []keyLine
	Configured bool // the configuration has a key, too
	NameMax    int
	Name       string // as typed
	Wrong      string
}

// A keyLine is a key and whether it opens anything now.
type keyLine struct {
	pay.SecretKey
	Valid bool
}

func (d *Dashboard) keysPage(q *request) error { return d.listKeys(q, http.StatusOK, keysView{}) }

func (d *Dashboard) listKeys(q *request, status int, v keysView) error {
	list, err := d.Cashier.Keys(q.r.Context(), q.shop.ID)
	if err != nil {
		return err
	}
	now := d.Cashier.Now()
	for _, k := range list {
		v.Keys = append(v.Keys, keyLine{k, k.Valid(now)})
	}
	// Those that open something first; each part stays newest first.
	slices.SortStableFunc(v.Keys, func(a, b keyLine) int {
		switch {
		case a.Valid == b.Valid:
			return 0
		case a.Valid:
			return -1
		}
		return 1
	})
	v.Configured, v.NameMax = q.shop.SecretDigest != pay.Digest{}, pay.KeyNameMax
	return q.render(status, "keys", v)
}

// key finds the one that the address names among the shop's own.
func (d *Dashboard) key(q *request) (keyLine, error) {
	list, err := d.Cashier.Keys(q.r.Context(), q.shop.ID)
	if err != nil {
		return keyLine{}, err
	}
	for _, k := range list {
		if string(k.ID) == q.r.PathValue("id") {
			return keyLine{k, k.Valid(d.Cashier.Now())}, nil
		}
	}
	return keyLine{}, errNoPage
}

// A keyView is one key: to be replaced or revoked, or, with its Secret, new.
type keyView struct {
	keyLine
	Secret   string
	Overlaps []overlap
}

// An overlap is how long a replaced key stays valid.
type overlap struct {
	Hours int
	Time  time.Duration
}

// keyOverlaps are what may be chosen, up to [pay.RollMax].
var keyOverlaps = []overlap{{1, time.Hour}, {24, 24 * time.Hour}, {72, 72 * time.Hour}, {168, pay.RollMax}, {0, 0}}

func (d *Dashboard) keyPage(q *request) error {
	k, err := d.key(q)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "key", keyView{keyLine: k, Overlaps: keyOverlaps})
}

// showKey shows a new key, once: it is in this answer and in no other place.
func (q *request) showKey(secret string, k pay.SecretKey) error {
	return q.render(http.StatusOK, "keymade", keyView{keyLine: keyLine{k, true}, Secret: secret})
}

func (d *Dashboard) makeKey(q *request) error {
	v := keysView{Name: q.value("name")}
	secret, k, err := d.Cashier.NewKeyBy(q.r.Context(), q.shop.ID, v.Name, q.by())
	if pay.CodeOf(err) == pay.Invalid {
		v.Wrong = refusalOf(err)
		return d.listKeys(q, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return q.refused(keysPath, err)
	}
	return q.showKey(secret, k)
}

func (d *Dashboard) rollKey(q *request) error {
	old, err := d.key(q)
	if err != nil {
		return err
	}
	hours, err := strconv.Atoi(q.value("hours"))
	if err != nil || hours < 0 {
		return errForeign
	}
	secret, k, err := d.Cashier.RollKeyBy(q.r.Context(), q.shop.ID, old.ID, time.Duration(min(hours, 10_000))*time.Hour, q.by())
	if err != nil {
		return q.refused(keysPath+"/"+string(old.ID), err)
	}
	return q.showKey(secret, k)
}

func (d *Dashboard) revokeKey(q *request) error {
	k, err := d.key(q)
	if err != nil {
		return err
	}
	if err := d.Cashier.RevokeKeyBy(q.r.Context(), q.shop.ID, k.ID, q.by()); err != nil {
		return q.refused(keysPath, err)
	}
	return q.done(keysPath, "The key %s is revoked.", k.Name)
}

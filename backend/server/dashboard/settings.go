package dashboard

import (
	"net/http"
	"sync"
	"time"

	"saoma/backend/pay"
)

// checkEvery is how often the settings of a shop may be checked: each time WeChat Pay and the shop's server are called.
const checkEvery = 30 * time.Second

// checkups remember when each shop was looked at last.
type checkups struct {
	mu   sync.Mutex
	last map[pay.MerchantID]time.Time
}

// take reports whether the shop may be looked at now, or else how long it has to wait.
func (c *checkups) take(m pay.MerchantID, now time.Time) (wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wait = c.last[m].Add(checkEvery).Sub(now); wait > 0 {
		return wait
	}
	if c.last == nil {
		c.last = make(map[pay.MerchantID]time.Time)
	}
	c.last[m] = now
	return 0
}

// A settingsView is what the configuration says of the shop, without its secrets, and what the doctor found.
type settingsView struct {
	Shop        pay.Merchant
	Late        pay.LatePolicy
	Channels    []pay.Channel
	Calls, Made int64 // limits, in a minute
	PublicURL   string
	CanCheck    bool
	Checked     bool
	At          time.Time
	Checks      []pay.Check
	Broken      int64
}

func (q *request) settingsView() settingsView {
	v := settingsView{Shop: q.shop, Late: q.shop.Late, Channels: []pay.Channel{pay.Native}, Calls: int64(q.shop.Limits.Requests),
		Made: int64(q.shop.Limits.Checkouts), PublicURL: q.PublicURL, CanCheck: q.Doctor != nil}
	for _, c := range q.shop.Channels {
		if c != pay.Native {
			v.Channels = append(v.Channels, c)
		}
	}
	if v.Late == "" {
		v.Late = pay.LateAccept
	}
	if v.Calls == 0 {
		v.Calls = pay.RequestsDefault
	}
	if v.Made == 0 {
		v.Made = pay.CheckoutsDefault
	}
	return v
}

func (d *Dashboard) settingsPage(q *request) error {
	return q.render(http.StatusOK, "settings", q.settingsView())
}

// checkSettings has the doctor look. What is found is in this answer only: it is of this moment.
func (d *Dashboard) checkSettings(q *request) error {
	if d.Doctor == nil {
		return errNoPage
	}
	if wait := d.checkups.take(q.shop.ID, d.Cashier.Now()); wait > 0 {
		return q.failed(Prefix+"settings", "Just checked. Wait %s and try again.", duration(q.look.Lang, wait+time.Second))
	}
	if err := d.BackOffice.Log(q.r.Context(), q.by(), pay.SettingsChecked, "", nil); err != nil {
		return err
	}
	v := q.settingsView()
	v.Checks = d.Doctor(q.r.Context(), q.shop.ID)
	v.Checked, v.At = true, d.Cashier.Now()
	for _, c := range v.Checks {
		if c.Result == pay.CheckBroken {
			v.Broken++
		}
	}
	return q.render(http.StatusOK, "settings", v)
}

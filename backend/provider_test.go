package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"saoma/backend/wechatsim"
)

// The simulator writes the configuration of a service provider's merchants, and the program sells for each of them.
func TestProviderByTheConfiguration(t *testing.T) {
	t.Parallel()
	folder := dataFolder(t)
	if err := registerSubMerchants(filepath.Join(folder, "sim"), 2); err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	w := configured(t, folder, l.Addr().String(), wechatsim.Options{Speed: 1000})
	w.serve(t, l, nil)
	sim, subs := w.sim, w.sim.Merchant().SubMerchants
	for i, m := range w.service.config.Merchants {
		if m.WeChat.SubMchID != subs[i].MchID || m.WeChat.MchID != sim.Merchant().MchID {
			t.Errorf("merchant %s has the numbers %s and %s", m.ID, m.WeChat.MchID, m.WeChat.SubMchID)
		}
		key := bearer(m.SecretKey)
		var o order
		w.call(t, "POST", "/v1/orders", `{"amount":1280,"description":"tea"}`, key).json(t, &o)
		w.pays(t, o)
		paid := func(status string) func() bool {
			return func() bool {
				a := w.call(t, "GET", "/v1/orders/"+o.ID, "", key)
				return a.status == http.StatusOK && strings.Contains(string(a.body), status)
			}
		}
		eventually(t, m.ID+"'s order is paid", paid(`"status":"paid"`))
		if a := w.call(t, "POST", "/v1/orders/"+o.ID+"/refunds", `{"amount":1280}`, key); a.status != http.StatusCreated {
			t.Errorf("refund of %s: %d %s", m.ID, a.status, a.body)
		}
		eventually(t, m.ID+"'s order is refunded", paid(`"status":"refunded"`))
		if got := sim.Trades()[0]; got.SubMchID != subs[i].MchID {
			t.Errorf("the trade of %s is of %q", m.ID, got.SubMchID)
		}
	}
	if n := len(w.service.config.Merchants); n != 2 {
		t.Errorf("the configuration has %d merchants", n)
	}
	for _, trade := range sim.Trades() {
		for _, d := range trade.Callbacks {
			if d.Status != http.StatusNoContent {
				t.Errorf("a callback of %s was answered %d", trade.OutTradeNo, d.Status)
			}
		}
	}
}

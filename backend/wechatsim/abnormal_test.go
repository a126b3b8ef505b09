package wechatsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// secret encrypts a sensitive field for WeChat Pay, with SHA-1 in both places.
func (s *shop) secret(plain string, hash crypto.Hash) string {
	s.t.Helper()
	return sealFor(s.t, publicKey(s.t, string(s.merchant.PublicKeyPEM)), plain, hash)
}

func sealFor(t *testing.T, key *rsa.PublicKey, plain string, hash crypto.Hash) string {
	t.Helper()
	raw, err := rsa.EncryptOAEP(hash.New(), rand.Reader, key, []byte(plain), nil)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func abnormalBody(number, kind, extra string) string {
	return fmt.Sprintf(`{"out_refund_no":"%s","type":"%s"%s}`, number, kind, extra)
}

// newAbnormalShop has one refund R1 that ended ABNORMAL; it must be called in a bubble.
func newAbnormalShop(t *testing.T) (s *shop, path string) {
	t.Helper()
	s = newShop(t)
	s.pay(s.prepay("ORDER0001"))
	s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{Abnormal: 1}})
	s.refund("ORDER0001", "R1", 80).want(200, "")
	time.Sleep(time.Minute)
	synctest.Wait()
	return s, refundPath + "/" + s.sim.Refunds()[0].RefundID + "/apply-abnormal-refund"
}

func TestApplyAbnormalRefund(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, channel, account string }{
		{"USER_BANK_CARD", "OTHER_BANKCARD", "用户银行卡"}, {"MERCHANT_BANK_CARD", "ORIGINAL", "商户银行卡"}} {
		synctest.Test(t, func(t *testing.T) {
			s, path := newAbnormalShop(t)
			balance := s.sim.Balance()
			extra := `,"bank_type":"ICBC_DEBIT","bank_account":"` + s.secret("6222020000000000", crypto.SHA1) +
				`","real_name":"` + s.secret("王小明", crypto.SHA1) + `"`
			got := s.refundFields(s.send("POST", path, abnormalBody("R1", c.kind, extra), func(d *draft) {
				d.header.Set("Wechatpay-Serial", s.merchant.PublicKeyID)
			}))
			if got["status"] != "PROCESSING" || got["channel"] != c.channel ||
				got["user_received_account"] != c.account {
				t.Errorf("answer %v", got)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			s.wantRefund("R1", "SUCCESS")
			refund := s.sim.Refunds()[0]
			if len(refund.Callbacks) != 2 || len(s.inbox.all()) != 3 || s.sim.Balance() != balance {
				t.Errorf("refund %+v, balance %d after %d", refund, s.sim.Balance(), balance)
			}
			s.send("POST", path, abnormalBody("R1", c.kind, "")).want(400, "INVALID_REQUEST") // it is well by now
		})
	}
}

// The new try may fail like the first.
func TestApplyAbnormalRefundAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, path := newAbnormalShop(t)
		s.sim.SetFaults(Faults{RefundOutcome: RefundFaults{Abnormal: 1, Closed: 0}})
		for _, want := range []string{"ABNORMAL", "SUCCESS"} {
			s.send("POST", path, abnormalBody("R1", "USER_BANK_CARD", "")).want(200, "")
			time.Sleep(time.Minute)
			synctest.Wait()
			s.wantRefund("R1", want)
		}
	})
}

// The timer of a try that was ended by hand does not end the next one.
func TestApplyAbnormalRefundEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.pay(s.prepay("ORDER0001"))
		s.refund("ORDER0001", "R1", 80).want(200, "")
		time.Sleep(time.Second)
		r, err := s.sim.FinishRefund("R1", RefundAbnormal)
		if err != nil {
			t.Fatal(err)
		}
		s.send("POST", refundPath+"/"+r.RefundID+"/apply-abnormal-refund", abnormalBody("R1", "USER_BANK_CARD", "")).
			want(200, "")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		s.wantRefund("R1", "PROCESSING")
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		s.wantRefund("R1", "SUCCESS")
	})
}

func TestApplyAbnormalRefundRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, path := newAbnormalShop(t)
		account := `,"bank_account":"` + s.secret("6222", crypto.SHA1) + `"`
		serial := func(id string) func(*draft) {
			return func(d *draft) { d.header.Set("Wechatpay-Serial", id) }
		}
		foreign := `,"real_name":"` + s.secret("王", crypto.SHA256) + `"`
		other := strings.Replace(path, "/503", "/504", 1)
		none := func(*draft) {}
		ours := serial(s.merchant.PublicKeyID)
		for _, c := range []struct {
			name, path, body string
			edit             func(*draft)
			status           int
			code             string
		}{
			{"no serial", path, abnormalBody("R1", "USER_BANK_CARD", account), none, 400, "INVALID_REQUEST"},
			{"another serial", path, abnormalBody("R1", "USER_BANK_CARD", account), serial(s.merchant.Serial), 400,
				"INVALID_REQUEST"},
			{"plain", path, abnormalBody("R1", "USER_BANK_CARD", `,"bank_account":"6222"`), ours, 400, "PARAM_ERROR"},
			{"plain name", path, abnormalBody("R1", "USER_BANK_CARD", `,"real_name":"王小明"`), ours, 400, "PARAM_ERROR"},
			{"SHA-256", path, abnormalBody("R1", "USER_BANK_CARD", foreign), ours, 400, "PARAM_ERROR"},
			{"no type", path, `{"out_refund_no":"R1"}`, none, 400, "PARAM_ERROR"},
			{"another type", path, abnormalBody("R1", "CASH", ""), none, 400, "PARAM_ERROR"},
			{"unknown field", path, abnormalBody("R1", "USER_BANK_CARD", `,"mchid":"1"`), none, 400, "PARAM_ERROR"},
			{"another number", path, abnormalBody("R2", "USER_BANK_CARD", ""), none, 404, "RESOURCE_NOT_EXISTS"},
			{"another id", other, abnormalBody("R1", "USER_BANK_CARD", ""), none, 404, "RESOURCE_NOT_EXISTS"},
		} {
			if a := s.send("POST", c.path, c.body, c.edit); a.status != c.status || a.error.Code != c.code {
				t.Errorf("%s: %d %s", c.name, a.status, a.body)
			}
		}
		s.wantRefund("R1", "ABNORMAL")
		s.sim.SetFaults(Faults{AbnormalRefund: CallFaults{ErrorAfter: 1}})
		s.send("POST", path, abnormalBody("R1", "USER_BANK_CARD", "")).want(500, "SYSTEM_ERROR")
		s.wantRefund("R1", "PROCESSING")
		s.send("POST", path, abnormalBody("R1", "USER_BANK_CARD", "")).want(400, "INVALID_REQUEST")
	})
}

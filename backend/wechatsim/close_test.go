package wechatsim

import (
	"testing"
	"time"
)

func TestCloseAndCloseAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code := s.prepay("ORDER0001")
	for range 2 {
		a := s.close("ORDER0001").want(204, "").wantNumber("0")
		if err := s.verify(a.header, a.body); err != nil || a.body != "" {
			t.Errorf("204 with body %q does not verify: %v", a.body, err)
		}
	}
	s.wantState("ORDER0001", "CLOSED")
	wantUnpayable(t, s, code, "", ErrOrderClosed)
}

func TestCloseOfAPaidOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.pay(s.prepay("ORDER0001"))
	s.close("ORDER0001").want(403, "TRADE_ERROR").wantNumber("268449538")
	s.wantState("ORDER0001", "SUCCESS")
}

func TestCloseRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.prepay("ORDER0001")
	s.close("ORDER0002").want(404, "ORDER_NOT_EXIST").wantNumber("268512771")
	const target = "/v3/pay/transactions/out-trade-no/ORDER0001/close"
	for body, code := range map[string]string{
		"":                         "INVALID_REQUEST",
		"{}":                       "PARAM_ERROR",
		`{"mchid":"1900000001"}`:   "PARAM_ERROR",
		`{"mchid":null}`:           "PARAM_ERROR",
		`{"mchid":"1","appid":""}`: "PARAM_ERROR",
	} {
		s.send("POST", target, body).want(400, code)
	}
	s.wantState("ORDER0001", "NOTPAY")
}

func TestRefuseYoungClose(t *testing.T) {
	t.Parallel()
	s, clock := newShopAtNoon(t)
	s.prepay("ORDER0001")
	s.prepay("ORDER0002")
	s.sim.SetFaults(Faults{RefuseYoungClose: 1})
	clock.advance(5*time.Minute - time.Second)
	s.close("ORDER0001").want(403, "RULE_LIMIT")
	s.wantState("ORDER0001", "NOTPAY")
	s.close("ORDER0001").want(204, "") // the count is used up
	s.sim.SetFaults(Faults{RefuseYoungClose: -1})
	for range 3 {
		s.close("ORDER0002").want(403, "RULE_LIMIT")
	}
	s.close("ORDER0001").want(204, "") // closed already: nothing to refuse
	clock.advance(time.Second)
	s.close("ORDER0002").want(204, "")
}

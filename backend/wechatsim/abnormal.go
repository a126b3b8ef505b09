package wechatsim

// abnormalTable is the request of POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund.
func abnormalTable() []field {
	return []field{
		{name: "out_refund_no", kind: text, required: true, max: 64, form: formOutRefundNo},
		{name: "type", kind: text, required: true, form: oneOf("USER_BANK_CARD", "MERCHANT_BANK_CARD")},
		{name: "bank_type", kind: text},
		{name: "bank_account", kind: text}, // encrypted
		{name: "real_name", kind: text},    // encrypted
	}
}

// abnormalRequest is what the simulator uses of it.
type abnormalRequest struct {
	SubMchID    string `json:"sub_mchid"`
	OutRefundNo string `json:"out_refund_no"`
	Type        string `json:"type"`
	BankAccount string `json:"bank_account"`
	RealName    string `json:"real_name"`
}

// applyAbnormal sends the money of an ABNORMAL refund to a bank card instead: it is PROCESSING again.
func (s *Server) applyAbnormal(c call) (result, error) {
	var q abnormalRequest
	if _, err := decode(c.body, s.withSubMchID(abnormalTable()), &q); err != nil {
		return nil, err
	}
	if _, err := s.openField(c, "bank_account", q.BankAccount); err != nil {
		return nil, err
	}
	if _, err := s.openField(c, "real_name", q.RealName); err != nil {
		return nil, err
	}
	if err := s.checkSubMchID(q.SubMchID, "body"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.book.refunds[q.OutRefundNo]
	switch {
	case r == nil || r.trade.SubMchID != q.SubMchID || r.RefundID != c.PathValue("id"):
		return nil, refundNotExist("退款单不存在，或refund_id与out_refund_no不匹配")
	case r.State != RefundAbnormal:
		return nil, invalidRequest("退款单的状态不是退款异常")
	}
	r.turn(RefundProcessing, c.now)
	r.Receiver = "商户银行卡"
	if q.Type == "USER_BANK_CARD" {
		r.Channel, r.Receiver = "OTHER_BANKCARD", "用户银行卡"
	}
	s.setOff(r)
	return r.answer(), nil
}

// openField decrypts a sensitive field (敏感信息加密) of a request. An absent one needs no key.
func (s *Server) openField(c call, name, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	key, err := s.namedSigner(c)
	if err != nil {
		return "", err
	}
	plain, err := unwrap(key.key, value)
	if err != nil {
		return "", refuseField(numberParameter, "/"+name, value, "敏感信息解密失败")
	}
	return plain, nil
}

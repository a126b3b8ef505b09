package ui

var korean = texts{
	Tag:       "ko",
	Title:     "위챗페이 %s · %s",
	TitlePaid: "결제 완료 %s · %s",
	Yuan:      "CN¥",

	What:  ", ",
	More:  "외 %d개",
	Count: "%s ×%d",

	Asking:    "위챗페이에서 결제 코드를 받는 중…",
	Scan:      "위챗으로 스캔하세요",
	How:       "위챗 오른쪽 위 ‘+’에서 ‘스캔’을 선택해 QR 코드를 비추세요",
	CodeName:  "위챗페이 QR 코드, 금액 %s, 받는 곳 %s",
	CodeReady: "코드가 준비되었습니다. 위챗으로 스캔하세요.",
	Left:      "남은 결제 시간",
	Minutes:   "%d분 남았습니다",
	Minute:    "1분 남았습니다",
	Seconds:   "%d초 남았습니다",
	Checking:  "결과 확인 중…",

	SecondScan: "다른 휴대폰으로 스캔하세요",
	SecondHow:  "이 휴대폰에서는 결제할 수 없습니다(캡처도 불가). 다른 휴대폰의 위챗 ‘스캔’으로 여기를 비추세요.",
	Enlarge:    "크게 보기", Bright: "화면을 가장 밝게 한 뒤 다른 휴대폰으로 스캔하세요", Restore: "원래대로",

	Lost: "연결이 끊겼습니다. 이미 결제했다면 결과가 자동으로 반영됩니다.", Heard: "마지막 확인",
	Slow: "위챗페이가 아직 응답하지 않았습니다. 계속 요청 중입니다.", Retry: "다시 시도",

	HavePaid: "결제했어요", AskingNow: "위챗페이에 확인하는 중…",
	NotPaid: "아직 결제가 확인되지 않았습니다. 확인되면 자동으로 표시되니 다시 결제하지 마세요.",
	Help:    "도움말", HelpHow: "다른 계정이 이미 스캔했거나 주문이 올바르지 않다고 나오나요? 새 코드를 받으세요. 기존 코드는 사용할 수 없게 됩니다.",
	Renew: "새 코드 받기", Renewing: "새 코드를 받는 중…", RenewFailed: "지금은 새 코드를 받을 수 없습니다. 잠시 후 다시 시도하세요.",

	Cancel: "결제 취소", Sure: "결제를 취소할까요?", SureYes: "취소하기", SureNo: "계속 결제",
	Cancelling: "취소하는 중…", CancelFailed: "지금은 취소할 수 없습니다. 잠시 후 다시 시도하세요.",

	Paid: "결제가 완료되었습니다", Late: "주문이 끝난 뒤 결제되었으며, 상점이 금액을 받았습니다.",
	PaidAt: "결제 시간", Zone: " (베이징)", Reference: "상점 번호", OrderID: "주문 번호", PartRefunded: "환불됨",
	Expired: "코드가 만료되었습니다", ExpiredHow: "새 코드를 받아 계속 결제할 수 있습니다. 이미 결제했다면 다시 결제하지 마세요. 결과가 여기에 표시됩니다.",
	Cancelled: "주문이 취소되었습니다", CancelledHow: "더 이상 청구되지 않습니다. 이미 결제했다면 결과가 여기에 표시됩니다.",
	Refunded: "환불되었습니다", RefundedHow: "결제하신 수단으로 환불됩니다. 입금 시점은 위챗 알림을 확인하세요.",
	Return: "상점으로 돌아가기", Done: "완료", Print: "영수증 인쇄", NoInvoice: "확인용 영수증이며 세금계산서(파피아오)가 아닙니다.",
	By:     "위챗페이 결제",
	Speech: "위챗페이로 %s위안을 받았습니다",
}

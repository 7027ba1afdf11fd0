"""The provider of certified mail, over the network: SMTP to send, IMAP to read its receipts."""

"""The USSD channel: `calls` plays one hop, `screens` fits it on a handset, one file a gateway's wire format."""

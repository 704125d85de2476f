"""SMS by Amazon SNS, for who has no account elsewhere."""

from tessera import aws

from .outcomes import Failed, Gone, Message, Refused, Target, Unsure

_ONCE = {"mode": "standard", "total_max_attempts": 1}
_REFUSED = frozenset(["InvalidParameter", "InvalidParameterException", "ParameterValueInvalid", "ValidationException"])


class SNS:
    def send(self, message: Message, target: Target) -> str:
        kind = {"DataType": "String", "StringValue": "Transactional" if message.is_urgent else "Promotional"}
        try:
            answer = aws.client("sns", retries=_ONCE, read_timeout=8).publish(
                PhoneNumber=target.address, Message=message.words.body, MessageAttributes={"AWS.SNS.SMS.SMSType": kind}
            )
        except aws.ClientError as error:
            code = aws.code_of(error)
            if code == "OptedOutException":
                raise Gone("opted-out") from error
            raise (Refused(code) if code in _REFUSED else Failed(code)) from error
        except aws.NotReached as error:
            raise Failed(type(error).__name__) from error
        except aws.BotoCoreError as error:
            raise Unsure(type(error).__name__) from error
        return str(answer["MessageId"])

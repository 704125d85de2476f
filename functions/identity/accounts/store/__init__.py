"""The table `accounts`: users, claims, sign-ups, sessions, known devices."""

from .activity import ActivityStore as ActivityStore
from .addresses import AddressStore as AddressStore
from .devices import DeviceStore as DeviceStore
from .exports import ExportStore as ExportStore
from .factors import FactorStore as FactorStore
from .life_rows import ActivityRow as ActivityRow
from .lives import LifeStore as LifeStore
from .owners import OwnerStore as OwnerStore
from .passkeys import PasskeyStore as PasskeyStore
from .realm import RealmStore as RealmStore
from .rows import ClaimRow as ClaimRow
from .rows import DeviceRow as DeviceRow
from .rows import FamilyRow as FamilyRow
from .rows import ResetRow as ResetRow
from .rows import SignUpRow as SignUpRow
from .rows import UserRow as UserRow
from .sessions import SessionStore as SessionStore
from .sign_ups import SignUpStore as SignUpStore
from .users import UserStore as UserStore

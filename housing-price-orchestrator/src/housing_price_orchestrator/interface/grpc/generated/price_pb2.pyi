from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Confidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONFIDENCE_UNSPECIFIED: _ClassVar[Confidence]
    CONFIDENCE_HIGH: _ClassVar[Confidence]
    CONFIDENCE_MEDIUM: _ClassVar[Confidence]
    CONFIDENCE_LOW: _ClassVar[Confidence]

class FeatureGroup(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FEATURE_GROUP_UNSPECIFIED: _ClassVar[FeatureGroup]
    FEATURE_GROUP_SIZE: _ClassVar[FeatureGroup]
    FEATURE_GROUP_QUALITY: _ClassVar[FeatureGroup]
    FEATURE_GROUP_AGE: _ClassVar[FeatureGroup]
    FEATURE_GROUP_LOCATION: _ClassVar[FeatureGroup]
    FEATURE_GROUP_LOT: _ClassVar[FeatureGroup]
    FEATURE_GROUP_BASEMENT: _ClassVar[FeatureGroup]
    FEATURE_GROUP_GARAGE: _ClassVar[FeatureGroup]
    FEATURE_GROUP_KITCHEN_AND_BATHS: _ClassVar[FeatureGroup]
    FEATURE_GROUP_OUTSIDE: _ClassVar[FeatureGroup]
    FEATURE_GROUP_STYLE: _ClassVar[FeatureGroup]
    FEATURE_GROUP_TERMS_OF_SALE: _ClassVar[FeatureGroup]

class ValuationPart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUATION_PART_UNSPECIFIED: _ClassVar[ValuationPart]
    VALUATION_PART_COMPARABLES: _ClassVar[ValuationPart]
    VALUATION_PART_EXPLANATION: _ClassVar[ValuationPart]

class ValueMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_METHOD_UNSPECIFIED: _ClassVar[ValueMethod]
    VALUE_METHOD_PRICE_AND_COMPARABLES: _ClassVar[ValueMethod]
    VALUE_METHOD_PRICE: _ClassVar[ValueMethod]

class Alley(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALLEY_UNSPECIFIED: _ClassVar[Alley]
    ALLEY_GRVL: _ClassVar[Alley]
    ALLEY_PAVE: _ClassVar[Alley]

class BldgType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BLDG_TYPE_UNSPECIFIED: _ClassVar[BldgType]
    BLDG_TYPE_1FAM: _ClassVar[BldgType]
    BLDG_TYPE_2FMCON: _ClassVar[BldgType]
    BLDG_TYPE_DUPLEX: _ClassVar[BldgType]
    BLDG_TYPE_TWNHS: _ClassVar[BldgType]
    BLDG_TYPE_TWNHSE: _ClassVar[BldgType]

class BsmtExposure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BSMT_EXPOSURE_UNSPECIFIED: _ClassVar[BsmtExposure]
    BSMT_EXPOSURE_AV: _ClassVar[BsmtExposure]
    BSMT_EXPOSURE_GD: _ClassVar[BsmtExposure]
    BSMT_EXPOSURE_MN: _ClassVar[BsmtExposure]
    BSMT_EXPOSURE_NO: _ClassVar[BsmtExposure]

class BsmtFinType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BSMT_FIN_TYPE_UNSPECIFIED: _ClassVar[BsmtFinType]
    BSMT_FIN_TYPE_ALQ: _ClassVar[BsmtFinType]
    BSMT_FIN_TYPE_BLQ: _ClassVar[BsmtFinType]
    BSMT_FIN_TYPE_GLQ: _ClassVar[BsmtFinType]
    BSMT_FIN_TYPE_LWQ: _ClassVar[BsmtFinType]
    BSMT_FIN_TYPE_REC: _ClassVar[BsmtFinType]
    BSMT_FIN_TYPE_UNF: _ClassVar[BsmtFinType]

class BuiltGrade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUILT_GRADE_UNSPECIFIED: _ClassVar[BuiltGrade]
    BUILT_GRADE_EX: _ClassVar[BuiltGrade]
    BUILT_GRADE_FA: _ClassVar[BuiltGrade]
    BUILT_GRADE_GD: _ClassVar[BuiltGrade]
    BUILT_GRADE_TA: _ClassVar[BuiltGrade]

class Condition1(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONDITION1_UNSPECIFIED: _ClassVar[Condition1]
    CONDITION1_ARTERY: _ClassVar[Condition1]
    CONDITION1_FEEDR: _ClassVar[Condition1]
    CONDITION1_NORM: _ClassVar[Condition1]
    CONDITION1_POSA: _ClassVar[Condition1]
    CONDITION1_POSN: _ClassVar[Condition1]
    CONDITION1_RRAE: _ClassVar[Condition1]
    CONDITION1_RRAN: _ClassVar[Condition1]
    CONDITION1_RRNE: _ClassVar[Condition1]
    CONDITION1_RRNN: _ClassVar[Condition1]

class Condition2(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONDITION2_UNSPECIFIED: _ClassVar[Condition2]
    CONDITION2_ARTERY: _ClassVar[Condition2]
    CONDITION2_FEEDR: _ClassVar[Condition2]
    CONDITION2_NORM: _ClassVar[Condition2]
    CONDITION2_POSA: _ClassVar[Condition2]
    CONDITION2_POSN: _ClassVar[Condition2]
    CONDITION2_RRAE: _ClassVar[Condition2]
    CONDITION2_RRAN: _ClassVar[Condition2]
    CONDITION2_RRNN: _ClassVar[Condition2]

class Electrical(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ELECTRICAL_UNSPECIFIED: _ClassVar[Electrical]
    ELECTRICAL_FUSEA: _ClassVar[Electrical]
    ELECTRICAL_FUSEF: _ClassVar[Electrical]
    ELECTRICAL_FUSEP: _ClassVar[Electrical]
    ELECTRICAL_MIX: _ClassVar[Electrical]
    ELECTRICAL_SBRKR: _ClassVar[Electrical]

class Exterior1st(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXTERIOR1ST_UNSPECIFIED: _ClassVar[Exterior1st]
    EXTERIOR1ST_ASBSHNG: _ClassVar[Exterior1st]
    EXTERIOR1ST_ASPHSHN: _ClassVar[Exterior1st]
    EXTERIOR1ST_BRKCOMM: _ClassVar[Exterior1st]
    EXTERIOR1ST_BRKFACE: _ClassVar[Exterior1st]
    EXTERIOR1ST_CBLOCK: _ClassVar[Exterior1st]
    EXTERIOR1ST_CEMNTBD: _ClassVar[Exterior1st]
    EXTERIOR1ST_HDBOARD: _ClassVar[Exterior1st]
    EXTERIOR1ST_IMSTUCC: _ClassVar[Exterior1st]
    EXTERIOR1ST_METALSD: _ClassVar[Exterior1st]
    EXTERIOR1ST_PLYWOOD: _ClassVar[Exterior1st]
    EXTERIOR1ST_PRECAST: _ClassVar[Exterior1st]
    EXTERIOR1ST_STONE: _ClassVar[Exterior1st]
    EXTERIOR1ST_STUCCO: _ClassVar[Exterior1st]
    EXTERIOR1ST_VINYLSD: _ClassVar[Exterior1st]
    EXTERIOR1ST_WD_SDNG: _ClassVar[Exterior1st]
    EXTERIOR1ST_WDSHING: _ClassVar[Exterior1st]

class Exterior2nd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXTERIOR2ND_UNSPECIFIED: _ClassVar[Exterior2nd]
    EXTERIOR2ND_ASBSHNG: _ClassVar[Exterior2nd]
    EXTERIOR2ND_ASPHSHN: _ClassVar[Exterior2nd]
    EXTERIOR2ND_BRK_CMN: _ClassVar[Exterior2nd]
    EXTERIOR2ND_BRKFACE: _ClassVar[Exterior2nd]
    EXTERIOR2ND_CBLOCK: _ClassVar[Exterior2nd]
    EXTERIOR2ND_CMENTBD: _ClassVar[Exterior2nd]
    EXTERIOR2ND_HDBOARD: _ClassVar[Exterior2nd]
    EXTERIOR2ND_IMSTUCC: _ClassVar[Exterior2nd]
    EXTERIOR2ND_METALSD: _ClassVar[Exterior2nd]
    EXTERIOR2ND_OTHER: _ClassVar[Exterior2nd]
    EXTERIOR2ND_PLYWOOD: _ClassVar[Exterior2nd]
    EXTERIOR2ND_PRECAST: _ClassVar[Exterior2nd]
    EXTERIOR2ND_STONE: _ClassVar[Exterior2nd]
    EXTERIOR2ND_STUCCO: _ClassVar[Exterior2nd]
    EXTERIOR2ND_VINYLSD: _ClassVar[Exterior2nd]
    EXTERIOR2ND_WD_SDNG: _ClassVar[Exterior2nd]
    EXTERIOR2ND_WD_SHNG: _ClassVar[Exterior2nd]

class Fence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FENCE_UNSPECIFIED: _ClassVar[Fence]
    FENCE_GDPRV: _ClassVar[Fence]
    FENCE_GDWO: _ClassVar[Fence]
    FENCE_MNPRV: _ClassVar[Fence]
    FENCE_MNWW: _ClassVar[Fence]

class Foundation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FOUNDATION_UNSPECIFIED: _ClassVar[Foundation]
    FOUNDATION_BRKTIL: _ClassVar[Foundation]
    FOUNDATION_CBLOCK: _ClassVar[Foundation]
    FOUNDATION_PCONC: _ClassVar[Foundation]
    FOUNDATION_SLAB: _ClassVar[Foundation]
    FOUNDATION_STONE: _ClassVar[Foundation]
    FOUNDATION_WOOD: _ClassVar[Foundation]

class Functional(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNCTIONAL_UNSPECIFIED: _ClassVar[Functional]
    FUNCTIONAL_MAJ1: _ClassVar[Functional]
    FUNCTIONAL_MAJ2: _ClassVar[Functional]
    FUNCTIONAL_MIN1: _ClassVar[Functional]
    FUNCTIONAL_MIN2: _ClassVar[Functional]
    FUNCTIONAL_MOD: _ClassVar[Functional]
    FUNCTIONAL_SAL: _ClassVar[Functional]
    FUNCTIONAL_SEV: _ClassVar[Functional]
    FUNCTIONAL_TYP: _ClassVar[Functional]

class GarageFinish(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GARAGE_FINISH_UNSPECIFIED: _ClassVar[GarageFinish]
    GARAGE_FINISH_FIN: _ClassVar[GarageFinish]
    GARAGE_FINISH_RFN: _ClassVar[GarageFinish]
    GARAGE_FINISH_UNF: _ClassVar[GarageFinish]

class GarageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GARAGE_TYPE_UNSPECIFIED: _ClassVar[GarageType]
    GARAGE_TYPE_2TYPES: _ClassVar[GarageType]
    GARAGE_TYPE_ATTCHD: _ClassVar[GarageType]
    GARAGE_TYPE_BASMENT: _ClassVar[GarageType]
    GARAGE_TYPE_BUILTIN: _ClassVar[GarageType]
    GARAGE_TYPE_CARPORT: _ClassVar[GarageType]
    GARAGE_TYPE_DETCHD: _ClassVar[GarageType]

class Grade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRADE_UNSPECIFIED: _ClassVar[Grade]
    GRADE_EX: _ClassVar[Grade]
    GRADE_FA: _ClassVar[Grade]
    GRADE_GD: _ClassVar[Grade]
    GRADE_PO: _ClassVar[Grade]
    GRADE_TA: _ClassVar[Grade]

class Heating(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEATING_UNSPECIFIED: _ClassVar[Heating]
    HEATING_FLOOR: _ClassVar[Heating]
    HEATING_GASA: _ClassVar[Heating]
    HEATING_GASW: _ClassVar[Heating]
    HEATING_GRAV: _ClassVar[Heating]
    HEATING_OTHW: _ClassVar[Heating]
    HEATING_WALL: _ClassVar[Heating]

class HouseStyle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOUSE_STYLE_UNSPECIFIED: _ClassVar[HouseStyle]
    HOUSE_STYLE_1_5FIN: _ClassVar[HouseStyle]
    HOUSE_STYLE_1_5UNF: _ClassVar[HouseStyle]
    HOUSE_STYLE_1STORY: _ClassVar[HouseStyle]
    HOUSE_STYLE_2_5FIN: _ClassVar[HouseStyle]
    HOUSE_STYLE_2_5UNF: _ClassVar[HouseStyle]
    HOUSE_STYLE_2STORY: _ClassVar[HouseStyle]
    HOUSE_STYLE_SFOYER: _ClassVar[HouseStyle]
    HOUSE_STYLE_SLVL: _ClassVar[HouseStyle]

class LandContour(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAND_CONTOUR_UNSPECIFIED: _ClassVar[LandContour]
    LAND_CONTOUR_BNK: _ClassVar[LandContour]
    LAND_CONTOUR_HLS: _ClassVar[LandContour]
    LAND_CONTOUR_LOW: _ClassVar[LandContour]
    LAND_CONTOUR_LVL: _ClassVar[LandContour]

class LandSlope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAND_SLOPE_UNSPECIFIED: _ClassVar[LandSlope]
    LAND_SLOPE_GTL: _ClassVar[LandSlope]
    LAND_SLOPE_MOD: _ClassVar[LandSlope]
    LAND_SLOPE_SEV: _ClassVar[LandSlope]

class LotConfig(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOT_CONFIG_UNSPECIFIED: _ClassVar[LotConfig]
    LOT_CONFIG_CORNER: _ClassVar[LotConfig]
    LOT_CONFIG_CULDSAC: _ClassVar[LotConfig]
    LOT_CONFIG_FR2: _ClassVar[LotConfig]
    LOT_CONFIG_FR3: _ClassVar[LotConfig]
    LOT_CONFIG_INSIDE: _ClassVar[LotConfig]

class LotShape(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOT_SHAPE_UNSPECIFIED: _ClassVar[LotShape]
    LOT_SHAPE_IR1: _ClassVar[LotShape]
    LOT_SHAPE_IR2: _ClassVar[LotShape]
    LOT_SHAPE_IR3: _ClassVar[LotShape]
    LOT_SHAPE_REG: _ClassVar[LotShape]

class MasVnrType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MAS_VNR_TYPE_UNSPECIFIED: _ClassVar[MasVnrType]
    MAS_VNR_TYPE_BRKCMN: _ClassVar[MasVnrType]
    MAS_VNR_TYPE_BRKFACE: _ClassVar[MasVnrType]
    MAS_VNR_TYPE_CBLOCK: _ClassVar[MasVnrType]
    MAS_VNR_TYPE_NONE: _ClassVar[MasVnrType]
    MAS_VNR_TYPE_STONE: _ClassVar[MasVnrType]

class MiscFeature(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISC_FEATURE_UNSPECIFIED: _ClassVar[MiscFeature]
    MISC_FEATURE_ELEV: _ClassVar[MiscFeature]
    MISC_FEATURE_GAR2: _ClassVar[MiscFeature]
    MISC_FEATURE_OTHR: _ClassVar[MiscFeature]
    MISC_FEATURE_SHED: _ClassVar[MiscFeature]
    MISC_FEATURE_TENC: _ClassVar[MiscFeature]

class MsSubClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MS_SUB_CLASS_UNSPECIFIED: _ClassVar[MsSubClass]
    MS_SUB_CLASS_20: _ClassVar[MsSubClass]
    MS_SUB_CLASS_30: _ClassVar[MsSubClass]
    MS_SUB_CLASS_40: _ClassVar[MsSubClass]
    MS_SUB_CLASS_45: _ClassVar[MsSubClass]
    MS_SUB_CLASS_50: _ClassVar[MsSubClass]
    MS_SUB_CLASS_60: _ClassVar[MsSubClass]
    MS_SUB_CLASS_70: _ClassVar[MsSubClass]
    MS_SUB_CLASS_75: _ClassVar[MsSubClass]
    MS_SUB_CLASS_80: _ClassVar[MsSubClass]
    MS_SUB_CLASS_85: _ClassVar[MsSubClass]
    MS_SUB_CLASS_90: _ClassVar[MsSubClass]
    MS_SUB_CLASS_120: _ClassVar[MsSubClass]
    MS_SUB_CLASS_150: _ClassVar[MsSubClass]
    MS_SUB_CLASS_160: _ClassVar[MsSubClass]
    MS_SUB_CLASS_180: _ClassVar[MsSubClass]
    MS_SUB_CLASS_190: _ClassVar[MsSubClass]

class MsZoning(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MS_ZONING_UNSPECIFIED: _ClassVar[MsZoning]
    MS_ZONING_A_AGR: _ClassVar[MsZoning]
    MS_ZONING_C_ALL: _ClassVar[MsZoning]
    MS_ZONING_FV: _ClassVar[MsZoning]
    MS_ZONING_I_ALL: _ClassVar[MsZoning]
    MS_ZONING_RH: _ClassVar[MsZoning]
    MS_ZONING_RL: _ClassVar[MsZoning]
    MS_ZONING_RM: _ClassVar[MsZoning]

class Neighborhood(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NEIGHBORHOOD_UNSPECIFIED: _ClassVar[Neighborhood]
    NEIGHBORHOOD_BLMNGTN: _ClassVar[Neighborhood]
    NEIGHBORHOOD_BLUESTE: _ClassVar[Neighborhood]
    NEIGHBORHOOD_BRDALE: _ClassVar[Neighborhood]
    NEIGHBORHOOD_BRKSIDE: _ClassVar[Neighborhood]
    NEIGHBORHOOD_CLEARCR: _ClassVar[Neighborhood]
    NEIGHBORHOOD_COLLGCR: _ClassVar[Neighborhood]
    NEIGHBORHOOD_CRAWFOR: _ClassVar[Neighborhood]
    NEIGHBORHOOD_EDWARDS: _ClassVar[Neighborhood]
    NEIGHBORHOOD_GILBERT: _ClassVar[Neighborhood]
    NEIGHBORHOOD_GREENS: _ClassVar[Neighborhood]
    NEIGHBORHOOD_GRNHILL: _ClassVar[Neighborhood]
    NEIGHBORHOOD_IDOTRR: _ClassVar[Neighborhood]
    NEIGHBORHOOD_LANDMRK: _ClassVar[Neighborhood]
    NEIGHBORHOOD_MEADOWV: _ClassVar[Neighborhood]
    NEIGHBORHOOD_MITCHEL: _ClassVar[Neighborhood]
    NEIGHBORHOOD_NAMES: _ClassVar[Neighborhood]
    NEIGHBORHOOD_NPKVILL: _ClassVar[Neighborhood]
    NEIGHBORHOOD_NWAMES: _ClassVar[Neighborhood]
    NEIGHBORHOOD_NORIDGE: _ClassVar[Neighborhood]
    NEIGHBORHOOD_NRIDGHT: _ClassVar[Neighborhood]
    NEIGHBORHOOD_OLDTOWN: _ClassVar[Neighborhood]
    NEIGHBORHOOD_SWISU: _ClassVar[Neighborhood]
    NEIGHBORHOOD_SAWYER: _ClassVar[Neighborhood]
    NEIGHBORHOOD_SAWYERW: _ClassVar[Neighborhood]
    NEIGHBORHOOD_SOMERST: _ClassVar[Neighborhood]
    NEIGHBORHOOD_STONEBR: _ClassVar[Neighborhood]
    NEIGHBORHOOD_TIMBER: _ClassVar[Neighborhood]
    NEIGHBORHOOD_VEENKER: _ClassVar[Neighborhood]

class PavedDrive(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAVED_DRIVE_UNSPECIFIED: _ClassVar[PavedDrive]
    PAVED_DRIVE_N: _ClassVar[PavedDrive]
    PAVED_DRIVE_P: _ClassVar[PavedDrive]
    PAVED_DRIVE_Y: _ClassVar[PavedDrive]

class RoofMatl(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROOF_MATL_UNSPECIFIED: _ClassVar[RoofMatl]
    ROOF_MATL_CLYTILE: _ClassVar[RoofMatl]
    ROOF_MATL_COMPSHG: _ClassVar[RoofMatl]
    ROOF_MATL_MEMBRAN: _ClassVar[RoofMatl]
    ROOF_MATL_METAL: _ClassVar[RoofMatl]
    ROOF_MATL_ROLL: _ClassVar[RoofMatl]
    ROOF_MATL_TAR_GRV: _ClassVar[RoofMatl]
    ROOF_MATL_WDSHAKE: _ClassVar[RoofMatl]
    ROOF_MATL_WDSHNGL: _ClassVar[RoofMatl]

class RoofStyle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROOF_STYLE_UNSPECIFIED: _ClassVar[RoofStyle]
    ROOF_STYLE_FLAT: _ClassVar[RoofStyle]
    ROOF_STYLE_GABLE: _ClassVar[RoofStyle]
    ROOF_STYLE_GAMBREL: _ClassVar[RoofStyle]
    ROOF_STYLE_HIP: _ClassVar[RoofStyle]
    ROOF_STYLE_MANSARD: _ClassVar[RoofStyle]
    ROOF_STYLE_SHED: _ClassVar[RoofStyle]

class SaleCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SALE_CONDITION_UNSPECIFIED: _ClassVar[SaleCondition]
    SALE_CONDITION_ABNORML: _ClassVar[SaleCondition]
    SALE_CONDITION_ADJLAND: _ClassVar[SaleCondition]
    SALE_CONDITION_ALLOCA: _ClassVar[SaleCondition]
    SALE_CONDITION_FAMILY: _ClassVar[SaleCondition]
    SALE_CONDITION_NORMAL: _ClassVar[SaleCondition]
    SALE_CONDITION_PARTIAL: _ClassVar[SaleCondition]

class SaleType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SALE_TYPE_UNSPECIFIED: _ClassVar[SaleType]
    SALE_TYPE_COD: _ClassVar[SaleType]
    SALE_TYPE_CWD: _ClassVar[SaleType]
    SALE_TYPE_CON: _ClassVar[SaleType]
    SALE_TYPE_CONLD: _ClassVar[SaleType]
    SALE_TYPE_CONLI: _ClassVar[SaleType]
    SALE_TYPE_CONLW: _ClassVar[SaleType]
    SALE_TYPE_NEW: _ClassVar[SaleType]
    SALE_TYPE_OTH: _ClassVar[SaleType]
    SALE_TYPE_VWD: _ClassVar[SaleType]
    SALE_TYPE_WD: _ClassVar[SaleType]

class Street(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREET_UNSPECIFIED: _ClassVar[Street]
    STREET_GRVL: _ClassVar[Street]
    STREET_PAVE: _ClassVar[Street]

class Utilities(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UTILITIES_UNSPECIFIED: _ClassVar[Utilities]
    UTILITIES_ALLPUB: _ClassVar[Utilities]
    UTILITIES_NOSEWA: _ClassVar[Utilities]
    UTILITIES_NOSEWR: _ClassVar[Utilities]

class YesNo(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    YES_NO_UNSPECIFIED: _ClassVar[YesNo]
    YES_NO_N: _ClassVar[YesNo]
    YES_NO_Y: _ClassVar[YesNo]
CONFIDENCE_UNSPECIFIED: Confidence
CONFIDENCE_HIGH: Confidence
CONFIDENCE_MEDIUM: Confidence
CONFIDENCE_LOW: Confidence
FEATURE_GROUP_UNSPECIFIED: FeatureGroup
FEATURE_GROUP_SIZE: FeatureGroup
FEATURE_GROUP_QUALITY: FeatureGroup
FEATURE_GROUP_AGE: FeatureGroup
FEATURE_GROUP_LOCATION: FeatureGroup
FEATURE_GROUP_LOT: FeatureGroup
FEATURE_GROUP_BASEMENT: FeatureGroup
FEATURE_GROUP_GARAGE: FeatureGroup
FEATURE_GROUP_KITCHEN_AND_BATHS: FeatureGroup
FEATURE_GROUP_OUTSIDE: FeatureGroup
FEATURE_GROUP_STYLE: FeatureGroup
FEATURE_GROUP_TERMS_OF_SALE: FeatureGroup
VALUATION_PART_UNSPECIFIED: ValuationPart
VALUATION_PART_COMPARABLES: ValuationPart
VALUATION_PART_EXPLANATION: ValuationPart
VALUE_METHOD_UNSPECIFIED: ValueMethod
VALUE_METHOD_PRICE_AND_COMPARABLES: ValueMethod
VALUE_METHOD_PRICE: ValueMethod
ALLEY_UNSPECIFIED: Alley
ALLEY_GRVL: Alley
ALLEY_PAVE: Alley
BLDG_TYPE_UNSPECIFIED: BldgType
BLDG_TYPE_1FAM: BldgType
BLDG_TYPE_2FMCON: BldgType
BLDG_TYPE_DUPLEX: BldgType
BLDG_TYPE_TWNHS: BldgType
BLDG_TYPE_TWNHSE: BldgType
BSMT_EXPOSURE_UNSPECIFIED: BsmtExposure
BSMT_EXPOSURE_AV: BsmtExposure
BSMT_EXPOSURE_GD: BsmtExposure
BSMT_EXPOSURE_MN: BsmtExposure
BSMT_EXPOSURE_NO: BsmtExposure
BSMT_FIN_TYPE_UNSPECIFIED: BsmtFinType
BSMT_FIN_TYPE_ALQ: BsmtFinType
BSMT_FIN_TYPE_BLQ: BsmtFinType
BSMT_FIN_TYPE_GLQ: BsmtFinType
BSMT_FIN_TYPE_LWQ: BsmtFinType
BSMT_FIN_TYPE_REC: BsmtFinType
BSMT_FIN_TYPE_UNF: BsmtFinType
BUILT_GRADE_UNSPECIFIED: BuiltGrade
BUILT_GRADE_EX: BuiltGrade
BUILT_GRADE_FA: BuiltGrade
BUILT_GRADE_GD: BuiltGrade
BUILT_GRADE_TA: BuiltGrade
CONDITION1_UNSPECIFIED: Condition1
CONDITION1_ARTERY: Condition1
CONDITION1_FEEDR: Condition1
CONDITION1_NORM: Condition1
CONDITION1_POSA: Condition1
CONDITION1_POSN: Condition1
CONDITION1_RRAE: Condition1
CONDITION1_RRAN: Condition1
CONDITION1_RRNE: Condition1
CONDITION1_RRNN: Condition1
CONDITION2_UNSPECIFIED: Condition2
CONDITION2_ARTERY: Condition2
CONDITION2_FEEDR: Condition2
CONDITION2_NORM: Condition2
CONDITION2_POSA: Condition2
CONDITION2_POSN: Condition2
CONDITION2_RRAE: Condition2
CONDITION2_RRAN: Condition2
CONDITION2_RRNN: Condition2
ELECTRICAL_UNSPECIFIED: Electrical
ELECTRICAL_FUSEA: Electrical
ELECTRICAL_FUSEF: Electrical
ELECTRICAL_FUSEP: Electrical
ELECTRICAL_MIX: Electrical
ELECTRICAL_SBRKR: Electrical
EXTERIOR1ST_UNSPECIFIED: Exterior1st
EXTERIOR1ST_ASBSHNG: Exterior1st
EXTERIOR1ST_ASPHSHN: Exterior1st
EXTERIOR1ST_BRKCOMM: Exterior1st
EXTERIOR1ST_BRKFACE: Exterior1st
EXTERIOR1ST_CBLOCK: Exterior1st
EXTERIOR1ST_CEMNTBD: Exterior1st
EXTERIOR1ST_HDBOARD: Exterior1st
EXTERIOR1ST_IMSTUCC: Exterior1st
EXTERIOR1ST_METALSD: Exterior1st
EXTERIOR1ST_PLYWOOD: Exterior1st
EXTERIOR1ST_PRECAST: Exterior1st
EXTERIOR1ST_STONE: Exterior1st
EXTERIOR1ST_STUCCO: Exterior1st
EXTERIOR1ST_VINYLSD: Exterior1st
EXTERIOR1ST_WD_SDNG: Exterior1st
EXTERIOR1ST_WDSHING: Exterior1st
EXTERIOR2ND_UNSPECIFIED: Exterior2nd
EXTERIOR2ND_ASBSHNG: Exterior2nd
EXTERIOR2ND_ASPHSHN: Exterior2nd
EXTERIOR2ND_BRK_CMN: Exterior2nd
EXTERIOR2ND_BRKFACE: Exterior2nd
EXTERIOR2ND_CBLOCK: Exterior2nd
EXTERIOR2ND_CMENTBD: Exterior2nd
EXTERIOR2ND_HDBOARD: Exterior2nd
EXTERIOR2ND_IMSTUCC: Exterior2nd
EXTERIOR2ND_METALSD: Exterior2nd
EXTERIOR2ND_OTHER: Exterior2nd
EXTERIOR2ND_PLYWOOD: Exterior2nd
EXTERIOR2ND_PRECAST: Exterior2nd
EXTERIOR2ND_STONE: Exterior2nd
EXTERIOR2ND_STUCCO: Exterior2nd
EXTERIOR2ND_VINYLSD: Exterior2nd
EXTERIOR2ND_WD_SDNG: Exterior2nd
EXTERIOR2ND_WD_SHNG: Exterior2nd
FENCE_UNSPECIFIED: Fence
FENCE_GDPRV: Fence
FENCE_GDWO: Fence
FENCE_MNPRV: Fence
FENCE_MNWW: Fence
FOUNDATION_UNSPECIFIED: Foundation
FOUNDATION_BRKTIL: Foundation
FOUNDATION_CBLOCK: Foundation
FOUNDATION_PCONC: Foundation
FOUNDATION_SLAB: Foundation
FOUNDATION_STONE: Foundation
FOUNDATION_WOOD: Foundation
FUNCTIONAL_UNSPECIFIED: Functional
FUNCTIONAL_MAJ1: Functional
FUNCTIONAL_MAJ2: Functional
FUNCTIONAL_MIN1: Functional
FUNCTIONAL_MIN2: Functional
FUNCTIONAL_MOD: Functional
FUNCTIONAL_SAL: Functional
FUNCTIONAL_SEV: Functional
FUNCTIONAL_TYP: Functional
GARAGE_FINISH_UNSPECIFIED: GarageFinish
GARAGE_FINISH_FIN: GarageFinish
GARAGE_FINISH_RFN: GarageFinish
GARAGE_FINISH_UNF: GarageFinish
GARAGE_TYPE_UNSPECIFIED: GarageType
GARAGE_TYPE_2TYPES: GarageType
GARAGE_TYPE_ATTCHD: GarageType
GARAGE_TYPE_BASMENT: GarageType
GARAGE_TYPE_BUILTIN: GarageType
GARAGE_TYPE_CARPORT: GarageType
GARAGE_TYPE_DETCHD: GarageType
GRADE_UNSPECIFIED: Grade
GRADE_EX: Grade
GRADE_FA: Grade
GRADE_GD: Grade
GRADE_PO: Grade
GRADE_TA: Grade
HEATING_UNSPECIFIED: Heating
HEATING_FLOOR: Heating
HEATING_GASA: Heating
HEATING_GASW: Heating
HEATING_GRAV: Heating
HEATING_OTHW: Heating
HEATING_WALL: Heating
HOUSE_STYLE_UNSPECIFIED: HouseStyle
HOUSE_STYLE_1_5FIN: HouseStyle
HOUSE_STYLE_1_5UNF: HouseStyle
HOUSE_STYLE_1STORY: HouseStyle
HOUSE_STYLE_2_5FIN: HouseStyle
HOUSE_STYLE_2_5UNF: HouseStyle
HOUSE_STYLE_2STORY: HouseStyle
HOUSE_STYLE_SFOYER: HouseStyle
HOUSE_STYLE_SLVL: HouseStyle
LAND_CONTOUR_UNSPECIFIED: LandContour
LAND_CONTOUR_BNK: LandContour
LAND_CONTOUR_HLS: LandContour
LAND_CONTOUR_LOW: LandContour
LAND_CONTOUR_LVL: LandContour
LAND_SLOPE_UNSPECIFIED: LandSlope
LAND_SLOPE_GTL: LandSlope
LAND_SLOPE_MOD: LandSlope
LAND_SLOPE_SEV: LandSlope
LOT_CONFIG_UNSPECIFIED: LotConfig
LOT_CONFIG_CORNER: LotConfig
LOT_CONFIG_CULDSAC: LotConfig
LOT_CONFIG_FR2: LotConfig
LOT_CONFIG_FR3: LotConfig
LOT_CONFIG_INSIDE: LotConfig
LOT_SHAPE_UNSPECIFIED: LotShape
LOT_SHAPE_IR1: LotShape
LOT_SHAPE_IR2: LotShape
LOT_SHAPE_IR3: LotShape
LOT_SHAPE_REG: LotShape
MAS_VNR_TYPE_UNSPECIFIED: MasVnrType
MAS_VNR_TYPE_BRKCMN: MasVnrType
MAS_VNR_TYPE_BRKFACE: MasVnrType
MAS_VNR_TYPE_CBLOCK: MasVnrType
MAS_VNR_TYPE_NONE: MasVnrType
MAS_VNR_TYPE_STONE: MasVnrType
MISC_FEATURE_UNSPECIFIED: MiscFeature
MISC_FEATURE_ELEV: MiscFeature
MISC_FEATURE_GAR2: MiscFeature
MISC_FEATURE_OTHR: MiscFeature
MISC_FEATURE_SHED: MiscFeature
MISC_FEATURE_TENC: MiscFeature
MS_SUB_CLASS_UNSPECIFIED: MsSubClass
MS_SUB_CLASS_20: MsSubClass
MS_SUB_CLASS_30: MsSubClass
MS_SUB_CLASS_40: MsSubClass
MS_SUB_CLASS_45: MsSubClass
MS_SUB_CLASS_50: MsSubClass
MS_SUB_CLASS_60: MsSubClass
MS_SUB_CLASS_70: MsSubClass
MS_SUB_CLASS_75: MsSubClass
MS_SUB_CLASS_80: MsSubClass
MS_SUB_CLASS_85: MsSubClass
MS_SUB_CLASS_90: MsSubClass
MS_SUB_CLASS_120: MsSubClass
MS_SUB_CLASS_150: MsSubClass
MS_SUB_CLASS_160: MsSubClass
MS_SUB_CLASS_180: MsSubClass
MS_SUB_CLASS_190: MsSubClass
MS_ZONING_UNSPECIFIED: MsZoning
MS_ZONING_A_AGR: MsZoning
MS_ZONING_C_ALL: MsZoning
MS_ZONING_FV: MsZoning
MS_ZONING_I_ALL: MsZoning
MS_ZONING_RH: MsZoning
MS_ZONING_RL: MsZoning
MS_ZONING_RM: MsZoning
NEIGHBORHOOD_UNSPECIFIED: Neighborhood
NEIGHBORHOOD_BLMNGTN: Neighborhood
NEIGHBORHOOD_BLUESTE: Neighborhood
NEIGHBORHOOD_BRDALE: Neighborhood
NEIGHBORHOOD_BRKSIDE: Neighborhood
NEIGHBORHOOD_CLEARCR: Neighborhood
NEIGHBORHOOD_COLLGCR: Neighborhood
NEIGHBORHOOD_CRAWFOR: Neighborhood
NEIGHBORHOOD_EDWARDS: Neighborhood
NEIGHBORHOOD_GILBERT: Neighborhood
NEIGHBORHOOD_GREENS: Neighborhood
NEIGHBORHOOD_GRNHILL: Neighborhood
NEIGHBORHOOD_IDOTRR: Neighborhood
NEIGHBORHOOD_LANDMRK: Neighborhood
NEIGHBORHOOD_MEADOWV: Neighborhood
NEIGHBORHOOD_MITCHEL: Neighborhood
NEIGHBORHOOD_NAMES: Neighborhood
NEIGHBORHOOD_NPKVILL: Neighborhood
NEIGHBORHOOD_NWAMES: Neighborhood
NEIGHBORHOOD_NORIDGE: Neighborhood
NEIGHBORHOOD_NRIDGHT: Neighborhood
NEIGHBORHOOD_OLDTOWN: Neighborhood
NEIGHBORHOOD_SWISU: Neighborhood
NEIGHBORHOOD_SAWYER: Neighborhood
NEIGHBORHOOD_SAWYERW: Neighborhood
NEIGHBORHOOD_SOMERST: Neighborhood
NEIGHBORHOOD_STONEBR: Neighborhood
NEIGHBORHOOD_TIMBER: Neighborhood
NEIGHBORHOOD_VEENKER: Neighborhood
PAVED_DRIVE_UNSPECIFIED: PavedDrive
PAVED_DRIVE_N: PavedDrive
PAVED_DRIVE_P: PavedDrive
PAVED_DRIVE_Y: PavedDrive
ROOF_MATL_UNSPECIFIED: RoofMatl
ROOF_MATL_CLYTILE: RoofMatl
ROOF_MATL_COMPSHG: RoofMatl
ROOF_MATL_MEMBRAN: RoofMatl
ROOF_MATL_METAL: RoofMatl
ROOF_MATL_ROLL: RoofMatl
ROOF_MATL_TAR_GRV: RoofMatl
ROOF_MATL_WDSHAKE: RoofMatl
ROOF_MATL_WDSHNGL: RoofMatl
ROOF_STYLE_UNSPECIFIED: RoofStyle
ROOF_STYLE_FLAT: RoofStyle
ROOF_STYLE_GABLE: RoofStyle
ROOF_STYLE_GAMBREL: RoofStyle
ROOF_STYLE_HIP: RoofStyle
ROOF_STYLE_MANSARD: RoofStyle
ROOF_STYLE_SHED: RoofStyle
SALE_CONDITION_UNSPECIFIED: SaleCondition
SALE_CONDITION_ABNORML: SaleCondition
SALE_CONDITION_ADJLAND: SaleCondition
SALE_CONDITION_ALLOCA: SaleCondition
SALE_CONDITION_FAMILY: SaleCondition
SALE_CONDITION_NORMAL: SaleCondition
SALE_CONDITION_PARTIAL: SaleCondition
SALE_TYPE_UNSPECIFIED: SaleType
SALE_TYPE_COD: SaleType
SALE_TYPE_CWD: SaleType
SALE_TYPE_CON: SaleType
SALE_TYPE_CONLD: SaleType
SALE_TYPE_CONLI: SaleType
SALE_TYPE_CONLW: SaleType
SALE_TYPE_NEW: SaleType
SALE_TYPE_OTH: SaleType
SALE_TYPE_VWD: SaleType
SALE_TYPE_WD: SaleType
STREET_UNSPECIFIED: Street
STREET_GRVL: Street
STREET_PAVE: Street
UTILITIES_UNSPECIFIED: Utilities
UTILITIES_ALLPUB: Utilities
UTILITIES_NOSEWA: Utilities
UTILITIES_NOSEWR: Utilities
YES_NO_UNSPECIFIED: YesNo
YES_NO_N: YesNo
YES_NO_Y: YesNo

class PredictRequest(_message.Message):
    __slots__ = ("house",)
    HOUSE_FIELD_NUMBER: _ClassVar[int]
    house: House
    def __init__(self, house: _Optional[_Union[House, _Mapping]] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("prediction",)
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    prediction: PricedHouse
    def __init__(self, prediction: _Optional[_Union[PricedHouse, _Mapping]] = ...) -> None: ...

class PredictBatchRequest(_message.Message):
    __slots__ = ("houses",)
    HOUSES_FIELD_NUMBER: _ClassVar[int]
    houses: _containers.RepeatedCompositeFieldContainer[House]
    def __init__(self, houses: _Optional[_Iterable[_Union[House, _Mapping]]] = ...) -> None: ...

class PredictBatchResponse(_message.Message):
    __slots__ = ("predictions",)
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    predictions: _containers.RepeatedCompositeFieldContainer[PricedHouse]
    def __init__(self, predictions: _Optional[_Iterable[_Union[PricedHouse, _Mapping]]] = ...) -> None: ...

class PredictStreamRequest(_message.Message):
    __slots__ = ("houses",)
    HOUSES_FIELD_NUMBER: _ClassVar[int]
    houses: _containers.RepeatedCompositeFieldContainer[House]
    def __init__(self, houses: _Optional[_Iterable[_Union[House, _Mapping]]] = ...) -> None: ...

class PredictStreamResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PredictResult]
    def __init__(self, results: _Optional[_Iterable[_Union[PredictResult, _Mapping]]] = ...) -> None: ...

class PredictResult(_message.Message):
    __slots__ = ("position", "id", "prediction", "error")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    position: int
    id: int
    prediction: PricedHouse
    error: Problem
    def __init__(self, position: _Optional[int] = ..., id: _Optional[int] = ..., prediction: _Optional[_Union[PricedHouse, _Mapping]] = ..., error: _Optional[_Union[Problem, _Mapping]] = ...) -> None: ...

class ValueRequest(_message.Message):
    __slots__ = ("house", "include_comparables", "include_explanation")
    HOUSE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_COMPARABLES_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    house: House
    include_comparables: bool
    include_explanation: bool
    def __init__(self, house: _Optional[_Union[House, _Mapping]] = ..., include_comparables: _Optional[bool] = ..., include_explanation: _Optional[bool] = ...) -> None: ...

class ValueResponse(_message.Message):
    __slots__ = ("valuation",)
    VALUATION_FIELD_NUMBER: _ClassVar[int]
    valuation: Valuation
    def __init__(self, valuation: _Optional[_Union[Valuation, _Mapping]] = ...) -> None: ...

class PricedHouse(_message.Message):
    __slots__ = ("id", "transaction_id", "predicted_price", "price_interval", "model", "degraded", "cached", "warnings")
    ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    id: int
    transaction_id: str
    predicted_price: float
    price_interval: PriceInterval
    model: ModelName
    degraded: bool
    cached: bool
    warnings: _containers.RepeatedCompositeFieldContainer[FeatureWarning]
    def __init__(self, id: _Optional[int] = ..., transaction_id: _Optional[str] = ..., predicted_price: _Optional[float] = ..., price_interval: _Optional[_Union[PriceInterval, _Mapping]] = ..., model: _Optional[_Union[ModelName, _Mapping]] = ..., degraded: _Optional[bool] = ..., cached: _Optional[bool] = ..., warnings: _Optional[_Iterable[_Union[FeatureWarning, _Mapping]]] = ...) -> None: ...

class PriceInterval(_message.Message):
    __slots__ = ("low", "high", "level")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    level: float
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ..., level: _Optional[float] = ...) -> None: ...

class ModelName(_message.Message):
    __slots__ = ("name", "version", "id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    id: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class FeatureWarning(_message.Message):
    __slots__ = ("field", "number", "word", "range", "words")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    field: str
    number: float
    word: str
    range: ValueRange
    words: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, field: _Optional[str] = ..., number: _Optional[float] = ..., word: _Optional[str] = ..., range: _Optional[_Union[ValueRange, _Mapping]] = ..., words: _Optional[_Iterable[str]] = ...) -> None: ...

class ValueRange(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("type", "title", "detail", "status", "code", "request_id", "retry_after_seconds", "violations")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    type: str
    title: str
    detail: str
    status: int
    code: int
    request_id: str
    retry_after_seconds: int
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    def __init__(self, type: _Optional[str] = ..., title: _Optional[str] = ..., detail: _Optional[str] = ..., status: _Optional[int] = ..., code: _Optional[int] = ..., request_id: _Optional[str] = ..., retry_after_seconds: _Optional[int] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description", "reason")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    reason: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Valuation(_message.Message):
    __slots__ = ("id", "transaction_id", "value", "price", "comparables", "explanation", "dollar_years", "warnings", "problems")
    ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    COMPARABLES_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    DOLLAR_YEARS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    id: int
    transaction_id: str
    value: MarketValue
    price: PricedHouse
    comparables: Comparables
    explanation: Explanation
    dollar_years: DollarYears
    warnings: _containers.RepeatedCompositeFieldContainer[FeatureWarning]
    problems: _containers.RepeatedCompositeFieldContainer[PartProblem]
    def __init__(self, id: _Optional[int] = ..., transaction_id: _Optional[str] = ..., value: _Optional[_Union[MarketValue, _Mapping]] = ..., price: _Optional[_Union[PricedHouse, _Mapping]] = ..., comparables: _Optional[_Union[Comparables, _Mapping]] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ..., dollar_years: _Optional[_Union[DollarYears, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[FeatureWarning, _Mapping]]] = ..., problems: _Optional[_Iterable[_Union[PartProblem, _Mapping]]] = ...) -> None: ...

class MarketValue(_message.Message):
    __slots__ = ("amount", "interval", "method", "confidence")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    amount: float
    interval: PriceInterval
    method: ValueMethod
    confidence: Confidence
    def __init__(self, amount: _Optional[float] = ..., interval: _Optional[_Union[PriceInterval, _Mapping]] = ..., method: _Optional[_Union[ValueMethod, str]] = ..., confidence: _Optional[_Union[Confidence, str]] = ...) -> None: ...

class Comparables(_message.Message):
    __slots__ = ("estimate", "sales", "model")
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    SALES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    estimate: float
    sales: _containers.RepeatedCompositeFieldContainer[ComparableSale]
    model: ModelName
    def __init__(self, estimate: _Optional[float] = ..., sales: _Optional[_Iterable[_Union[ComparableSale, _Mapping]]] = ..., model: _Optional[_Union[ModelName, _Mapping]] = ...) -> None: ...

class ComparableSale(_message.Message):
    __slots__ = ("id", "sale_price", "sold_in", "distance", "house", "adjusted_price", "adjustments", "weight")
    ID_FIELD_NUMBER: _ClassVar[int]
    SALE_PRICE_FIELD_NUMBER: _ClassVar[int]
    SOLD_IN_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    HOUSE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTED_PRICE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    id: int
    sale_price: float
    sold_in: str
    distance: float
    house: House
    adjusted_price: float
    adjustments: Adjustments
    weight: float
    def __init__(self, id: _Optional[int] = ..., sale_price: _Optional[float] = ..., sold_in: _Optional[str] = ..., distance: _Optional[float] = ..., house: _Optional[_Union[House, _Mapping]] = ..., adjusted_price: _Optional[float] = ..., adjustments: _Optional[_Union[Adjustments, _Mapping]] = ..., weight: _Optional[float] = ...) -> None: ...

class Adjustments(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[Adjustment]
    def __init__(self, groups: _Optional[_Iterable[_Union[Adjustment, _Mapping]]] = ...) -> None: ...

class Adjustment(_message.Message):
    __slots__ = ("group", "usd")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    USD_FIELD_NUMBER: _ClassVar[int]
    group: FeatureGroup
    usd: float
    def __init__(self, group: _Optional[_Union[FeatureGroup, str]] = ..., usd: _Optional[float] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("typical_price", "differences")
    TYPICAL_PRICE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    typical_price: float
    differences: _containers.RepeatedCompositeFieldContainer[Adjustment]
    def __init__(self, typical_price: _Optional[float] = ..., differences: _Optional[_Iterable[_Union[Adjustment, _Mapping]]] = ...) -> None: ...

class DollarYears(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class PartProblem(_message.Message):
    __slots__ = ("part", "type", "title", "status", "retry_after_seconds")
    PART_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    part: ValuationPart
    type: str
    title: str
    status: int
    retry_after_seconds: int
    def __init__(self, part: _Optional[_Union[ValuationPart, str]] = ..., type: _Optional[str] = ..., title: _Optional[str] = ..., status: _Optional[int] = ..., retry_after_seconds: _Optional[int] = ...) -> None: ...

class House(_message.Message):
    __slots__ = ("id", "ms_sub_class", "ms_zoning", "lot_frontage", "lot_area", "street", "alley", "lot_shape", "land_contour", "utilities", "lot_config", "land_slope", "neighborhood", "condition1", "condition2", "bldg_type", "house_style", "overall_qual", "overall_cond", "year_built", "year_remod_add", "roof_style", "roof_matl", "exterior_1st", "exterior_2nd", "mas_vnr_type", "mas_vnr_area", "exter_qual", "exter_cond", "foundation", "bsmt_qual", "bsmt_cond", "bsmt_exposure", "bsmt_fin_type1", "bsmt_fin_sf1", "bsmt_fin_type2", "bsmt_fin_sf2", "bsmt_unf_sf", "total_bsmt_sf", "heating", "heating_qc", "central_air", "electrical", "first_flr_sf", "second_flr_sf", "low_qual_fin_sf", "gr_liv_area", "bsmt_full_bath", "bsmt_half_bath", "full_bath", "half_bath", "bedroom_abv_gr", "kitchen_abv_gr", "kitchen_qual", "tot_rms_abv_grd", "functional", "fireplaces", "fireplace_qu", "garage_type", "garage_yr_blt", "garage_finish", "garage_cars", "garage_area", "garage_qual", "garage_cond", "paved_drive", "wood_deck_sf", "open_porch_sf", "enclosed_porch", "three_ssn_porch", "screen_porch", "pool_area", "pool_qc", "fence", "misc_feature", "misc_val", "mo_sold", "yr_sold", "sale_type", "sale_condition")
    ID_FIELD_NUMBER: _ClassVar[int]
    MS_SUB_CLASS_FIELD_NUMBER: _ClassVar[int]
    MS_ZONING_FIELD_NUMBER: _ClassVar[int]
    LOT_FRONTAGE_FIELD_NUMBER: _ClassVar[int]
    LOT_AREA_FIELD_NUMBER: _ClassVar[int]
    STREET_FIELD_NUMBER: _ClassVar[int]
    ALLEY_FIELD_NUMBER: _ClassVar[int]
    LOT_SHAPE_FIELD_NUMBER: _ClassVar[int]
    LAND_CONTOUR_FIELD_NUMBER: _ClassVar[int]
    UTILITIES_FIELD_NUMBER: _ClassVar[int]
    LOT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    LAND_SLOPE_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORHOOD_FIELD_NUMBER: _ClassVar[int]
    CONDITION1_FIELD_NUMBER: _ClassVar[int]
    CONDITION2_FIELD_NUMBER: _ClassVar[int]
    BLDG_TYPE_FIELD_NUMBER: _ClassVar[int]
    HOUSE_STYLE_FIELD_NUMBER: _ClassVar[int]
    OVERALL_QUAL_FIELD_NUMBER: _ClassVar[int]
    OVERALL_COND_FIELD_NUMBER: _ClassVar[int]
    YEAR_BUILT_FIELD_NUMBER: _ClassVar[int]
    YEAR_REMOD_ADD_FIELD_NUMBER: _ClassVar[int]
    ROOF_STYLE_FIELD_NUMBER: _ClassVar[int]
    ROOF_MATL_FIELD_NUMBER: _ClassVar[int]
    EXTERIOR_1ST_FIELD_NUMBER: _ClassVar[int]
    EXTERIOR_2ND_FIELD_NUMBER: _ClassVar[int]
    MAS_VNR_TYPE_FIELD_NUMBER: _ClassVar[int]
    MAS_VNR_AREA_FIELD_NUMBER: _ClassVar[int]
    EXTER_QUAL_FIELD_NUMBER: _ClassVar[int]
    EXTER_COND_FIELD_NUMBER: _ClassVar[int]
    FOUNDATION_FIELD_NUMBER: _ClassVar[int]
    BSMT_QUAL_FIELD_NUMBER: _ClassVar[int]
    BSMT_COND_FIELD_NUMBER: _ClassVar[int]
    BSMT_EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    BSMT_FIN_TYPE1_FIELD_NUMBER: _ClassVar[int]
    BSMT_FIN_SF1_FIELD_NUMBER: _ClassVar[int]
    BSMT_FIN_TYPE2_FIELD_NUMBER: _ClassVar[int]
    BSMT_FIN_SF2_FIELD_NUMBER: _ClassVar[int]
    BSMT_UNF_SF_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BSMT_SF_FIELD_NUMBER: _ClassVar[int]
    HEATING_FIELD_NUMBER: _ClassVar[int]
    HEATING_QC_FIELD_NUMBER: _ClassVar[int]
    CENTRAL_AIR_FIELD_NUMBER: _ClassVar[int]
    ELECTRICAL_FIELD_NUMBER: _ClassVar[int]
    FIRST_FLR_SF_FIELD_NUMBER: _ClassVar[int]
    SECOND_FLR_SF_FIELD_NUMBER: _ClassVar[int]
    LOW_QUAL_FIN_SF_FIELD_NUMBER: _ClassVar[int]
    GR_LIV_AREA_FIELD_NUMBER: _ClassVar[int]
    BSMT_FULL_BATH_FIELD_NUMBER: _ClassVar[int]
    BSMT_HALF_BATH_FIELD_NUMBER: _ClassVar[int]
    FULL_BATH_FIELD_NUMBER: _ClassVar[int]
    HALF_BATH_FIELD_NUMBER: _ClassVar[int]
    BEDROOM_ABV_GR_FIELD_NUMBER: _ClassVar[int]
    KITCHEN_ABV_GR_FIELD_NUMBER: _ClassVar[int]
    KITCHEN_QUAL_FIELD_NUMBER: _ClassVar[int]
    TOT_RMS_ABV_GRD_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONAL_FIELD_NUMBER: _ClassVar[int]
    FIREPLACES_FIELD_NUMBER: _ClassVar[int]
    FIREPLACE_QU_FIELD_NUMBER: _ClassVar[int]
    GARAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    GARAGE_YR_BLT_FIELD_NUMBER: _ClassVar[int]
    GARAGE_FINISH_FIELD_NUMBER: _ClassVar[int]
    GARAGE_CARS_FIELD_NUMBER: _ClassVar[int]
    GARAGE_AREA_FIELD_NUMBER: _ClassVar[int]
    GARAGE_QUAL_FIELD_NUMBER: _ClassVar[int]
    GARAGE_COND_FIELD_NUMBER: _ClassVar[int]
    PAVED_DRIVE_FIELD_NUMBER: _ClassVar[int]
    WOOD_DECK_SF_FIELD_NUMBER: _ClassVar[int]
    OPEN_PORCH_SF_FIELD_NUMBER: _ClassVar[int]
    ENCLOSED_PORCH_FIELD_NUMBER: _ClassVar[int]
    THREE_SSN_PORCH_FIELD_NUMBER: _ClassVar[int]
    SCREEN_PORCH_FIELD_NUMBER: _ClassVar[int]
    POOL_AREA_FIELD_NUMBER: _ClassVar[int]
    POOL_QC_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    MISC_FEATURE_FIELD_NUMBER: _ClassVar[int]
    MISC_VAL_FIELD_NUMBER: _ClassVar[int]
    MO_SOLD_FIELD_NUMBER: _ClassVar[int]
    YR_SOLD_FIELD_NUMBER: _ClassVar[int]
    SALE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SALE_CONDITION_FIELD_NUMBER: _ClassVar[int]
    id: int
    ms_sub_class: MsSubClass
    ms_zoning: MsZoning
    lot_frontage: float
    lot_area: float
    street: Street
    alley: Alley
    lot_shape: LotShape
    land_contour: LandContour
    utilities: Utilities
    lot_config: LotConfig
    land_slope: LandSlope
    neighborhood: Neighborhood
    condition1: Condition1
    condition2: Condition2
    bldg_type: BldgType
    house_style: HouseStyle
    overall_qual: int
    overall_cond: int
    year_built: int
    year_remod_add: int
    roof_style: RoofStyle
    roof_matl: RoofMatl
    exterior_1st: Exterior1st
    exterior_2nd: Exterior2nd
    mas_vnr_type: MasVnrType
    mas_vnr_area: float
    exter_qual: BuiltGrade
    exter_cond: Grade
    foundation: Foundation
    bsmt_qual: Grade
    bsmt_cond: Grade
    bsmt_exposure: BsmtExposure
    bsmt_fin_type1: BsmtFinType
    bsmt_fin_sf1: float
    bsmt_fin_type2: BsmtFinType
    bsmt_fin_sf2: float
    bsmt_unf_sf: float
    total_bsmt_sf: float
    heating: Heating
    heating_qc: Grade
    central_air: YesNo
    electrical: Electrical
    first_flr_sf: float
    second_flr_sf: float
    low_qual_fin_sf: float
    gr_liv_area: float
    bsmt_full_bath: int
    bsmt_half_bath: int
    full_bath: int
    half_bath: int
    bedroom_abv_gr: int
    kitchen_abv_gr: int
    kitchen_qual: Grade
    tot_rms_abv_grd: int
    functional: Functional
    fireplaces: int
    fireplace_qu: Grade
    garage_type: GarageType
    garage_yr_blt: int
    garage_finish: GarageFinish
    garage_cars: int
    garage_area: float
    garage_qual: Grade
    garage_cond: Grade
    paved_drive: PavedDrive
    wood_deck_sf: float
    open_porch_sf: float
    enclosed_porch: float
    three_ssn_porch: float
    screen_porch: float
    pool_area: float
    pool_qc: BuiltGrade
    fence: Fence
    misc_feature: MiscFeature
    misc_val: float
    mo_sold: int
    yr_sold: int
    sale_type: SaleType
    sale_condition: SaleCondition
    def __init__(self, id: _Optional[int] = ..., ms_sub_class: _Optional[_Union[MsSubClass, str]] = ..., ms_zoning: _Optional[_Union[MsZoning, str]] = ..., lot_frontage: _Optional[float] = ..., lot_area: _Optional[float] = ..., street: _Optional[_Union[Street, str]] = ..., alley: _Optional[_Union[Alley, str]] = ..., lot_shape: _Optional[_Union[LotShape, str]] = ..., land_contour: _Optional[_Union[LandContour, str]] = ..., utilities: _Optional[_Union[Utilities, str]] = ..., lot_config: _Optional[_Union[LotConfig, str]] = ..., land_slope: _Optional[_Union[LandSlope, str]] = ..., neighborhood: _Optional[_Union[Neighborhood, str]] = ..., condition1: _Optional[_Union[Condition1, str]] = ..., condition2: _Optional[_Union[Condition2, str]] = ..., bldg_type: _Optional[_Union[BldgType, str]] = ..., house_style: _Optional[_Union[HouseStyle, str]] = ..., overall_qual: _Optional[int] = ..., overall_cond: _Optional[int] = ..., year_built: _Optional[int] = ..., year_remod_add: _Optional[int] = ..., roof_style: _Optional[_Union[RoofStyle, str]] = ..., roof_matl: _Optional[_Union[RoofMatl, str]] = ..., exterior_1st: _Optional[_Union[Exterior1st, str]] = ..., exterior_2nd: _Optional[_Union[Exterior2nd, str]] = ..., mas_vnr_type: _Optional[_Union[MasVnrType, str]] = ..., mas_vnr_area: _Optional[float] = ..., exter_qual: _Optional[_Union[BuiltGrade, str]] = ..., exter_cond: _Optional[_Union[Grade, str]] = ..., foundation: _Optional[_Union[Foundation, str]] = ..., bsmt_qual: _Optional[_Union[Grade, str]] = ..., bsmt_cond: _Optional[_Union[Grade, str]] = ..., bsmt_exposure: _Optional[_Union[BsmtExposure, str]] = ..., bsmt_fin_type1: _Optional[_Union[BsmtFinType, str]] = ..., bsmt_fin_sf1: _Optional[float] = ..., bsmt_fin_type2: _Optional[_Union[BsmtFinType, str]] = ..., bsmt_fin_sf2: _Optional[float] = ..., bsmt_unf_sf: _Optional[float] = ..., total_bsmt_sf: _Optional[float] = ..., heating: _Optional[_Union[Heating, str]] = ..., heating_qc: _Optional[_Union[Grade, str]] = ..., central_air: _Optional[_Union[YesNo, str]] = ..., electrical: _Optional[_Union[Electrical, str]] = ..., first_flr_sf: _Optional[float] = ..., second_flr_sf: _Optional[float] = ..., low_qual_fin_sf: _Optional[float] = ..., gr_liv_area: _Optional[float] = ..., bsmt_full_bath: _Optional[int] = ..., bsmt_half_bath: _Optional[int] = ..., full_bath: _Optional[int] = ..., half_bath: _Optional[int] = ..., bedroom_abv_gr: _Optional[int] = ..., kitchen_abv_gr: _Optional[int] = ..., kitchen_qual: _Optional[_Union[Grade, str]] = ..., tot_rms_abv_grd: _Optional[int] = ..., functional: _Optional[_Union[Functional, str]] = ..., fireplaces: _Optional[int] = ..., fireplace_qu: _Optional[_Union[Grade, str]] = ..., garage_type: _Optional[_Union[GarageType, str]] = ..., garage_yr_blt: _Optional[int] = ..., garage_finish: _Optional[_Union[GarageFinish, str]] = ..., garage_cars: _Optional[int] = ..., garage_area: _Optional[float] = ..., garage_qual: _Optional[_Union[Grade, str]] = ..., garage_cond: _Optional[_Union[Grade, str]] = ..., paved_drive: _Optional[_Union[PavedDrive, str]] = ..., wood_deck_sf: _Optional[float] = ..., open_porch_sf: _Optional[float] = ..., enclosed_porch: _Optional[float] = ..., three_ssn_porch: _Optional[float] = ..., screen_porch: _Optional[float] = ..., pool_area: _Optional[float] = ..., pool_qc: _Optional[_Union[BuiltGrade, str]] = ..., fence: _Optional[_Union[Fence, str]] = ..., misc_feature: _Optional[_Union[MiscFeature, str]] = ..., misc_val: _Optional[float] = ..., mo_sold: _Optional[int] = ..., yr_sold: _Optional[int] = ..., sale_type: _Optional[_Union[SaleType, str]] = ..., sale_condition: _Optional[_Union[SaleCondition, str]] = ...) -> None: ...
